//! stub
/// Part.
pub struct Part { /// text
 pub text: String, /// trusted
 pub trusted: bool }
