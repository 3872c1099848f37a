"""toklet's sampling inside other libraries: `toklet.integrations.transformers` for `generate`, `toklet.integrations.llama_cpp` for llama-cpp-python.

Neither module imports the library that it is for, so both can be imported without it; what they give is called by that library, on its own arrays.
"""
