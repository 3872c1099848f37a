//! Scoped workers for one call, and the pulse by which a long call can be watched and stopped.
//!
//! Nothing outlives a call: every thread is joined before it returns, so that a fork at any other time is safe. Work that takes long runs on a worker and ticks
//! at least every 20 ms or so; the calling thread meanwhile wakes every 20 ms, reports how much is done and asks whether to go on. A machine that gives no more
//! threads gets the same result from the calling thread alone. Work that is mostly short stays on that thread, and asks for itself if it isn't, at every eighth
//! tick at most.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::error::{Error, MAX_THREADS, Result};

const BEAT: Duration = Duration::from_millis(20);
/// How many ticks there are between two looks at the clock, where the work asks for itself.
const A_LOOK: u64 = 8;

/// What a long call ticks on: it says how much is done, and is told whether to stop.
#[derive(Default)]
pub struct Pulse {
    stop: AtomicBool,
    done: AtomicU64,
    asking: Option<Asking>,
}

/// What work that nobody watches asks for itself, whether to go on: a call that isn't expected to take long may all the same.
struct Asking {
    go_on: fn() -> bool,
    /// The thread that asks. Helpers don't: it waits for them, and may hold what they would ask for.
    thread: ThreadId,
    ticks: AtomicU64,
    since: OnceLock<Instant>,
    beats: AtomicU64,
}

impl Asking {
    /// Whether to stop, asked every 20 ms or so.
    fn stop(&self) -> bool {
        if self.ticks.fetch_add(1, Ordering::Relaxed) % A_LOOK < A_LOOK - 1 {
            return false;
        }
        if thread::current().id() != self.thread {
            return false;
        }
        let beats = self.since.get_or_init(Instant::now).elapsed().as_nanos() / BEAT.as_nanos();
        let beats = u64::try_from(beats).unwrap_or(u64::MAX);
        self.beats.fetch_max(beats, Ordering::Relaxed) < beats && !(self.go_on)()
    }
}

impl Pulse {
    /// One whose work runs on the thread of its caller, and asks whether to go on by itself, every 20 ms or so.
    pub fn asking(go_on: fn() -> bool) -> Self {
        let asking = Asking { go_on, thread: thread::current().id(), ticks: AtomicU64::default(), since: OnceLock::new(), beats: AtomicU64::default() };
        Self { asking: Some(asking), ..Self::default() }
    }

    /// Say that `n` more units of work are done; an error when the caller wants to stop.
    pub fn tick(&self, n: u64) -> Result<()> {
        if n > 0 {
            self.done.fetch_add(n, Ordering::Relaxed); // else workers would wait for each other to do nothing
        }
        if self.asking.as_ref().is_some_and(Asking::stop) {
            self.stop.store(true, Ordering::Relaxed);
        }
        if self.stop.load(Ordering::Relaxed) { Err(Error::interrupted()) } else { Ok(()) }
    }

    /// How much is done.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

/// Run long work on a worker, and call `beat` every 20 ms on this thread, with how much is done; when it says `false`, the work is told to stop.
pub fn watched<T: Send>(beat: &mut dyn FnMut(u64) -> bool, work: impl FnOnce(&Pulse) -> Result<T> + Send) -> Result<T> {
    let pulse = Pulse::default();
    let job = Mutex::new(Some(work));
    let run = || job.lock().unwrap_or_else(PoisonError::into_inner).take().map_or_else(|| Err(Error::interrupted()), |work| work(&pulse));
    thread::scope(|scope| {
        let (finished, waiting) = sync_channel::<()>(1);
        let worker = thread::Builder::new().spawn_scoped(scope, move || {
            let _sent_when_dropped = finished;
            run()
        });
        let Ok(worker) = worker else { return run() };
        while waiting.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            if !beat(pulse.done()) {
                pulse.stop.store(true, Ordering::Relaxed);
            }
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// How many workers a call gets: what was asked for, or one a core.
pub fn workers(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)).clamp(1, MAX_THREADS)
}

/// Do the jobs `0..jobs` on several workers and give their results in order; of several errors, the one of the first job.
pub fn parallel<T: Send>(threads: usize, jobs: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let take = || {
        let mut results = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                break;
            }
            let result = work(job);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            results.push((job, result));
        }
        results
    };
    let mut results = thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads.min(jobs)).map_while(|_| thread::Builder::new().spawn_scoped(scope, take).ok()).collect();
        let mut results = take();
        for helper in helpers {
            results.extend(helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    results.sort_unstable_by_key(|(job, _)| *job);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for threads in 1..5 {
            assert_eq!(parallel(threads, 100, |job| Ok(job * job)), Ok((0..100).map(|job| job * job).collect()));
        }
    }

    #[test]
    fn a_call_is_stopped_between_two_ticks() {
        let stopped = watched(&mut |_| false, |pulse| -> Result<()> {
            loop {
                thread::sleep(Duration::from_millis(1));
                pulse.tick(1)?;
            }
        });
        assert_eq!(stopped.map_err(|error| error.kind), Err(Kind::Interrupted));
    }

    #[test]
    fn work_that_asks_for_itself_is_stopped_too() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let pulse = Pulse::asking(|| ASKED.fetch_add(1, Ordering::Relaxed) < 2);
        while pulse.tick(1).is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!((ASKED.load(Ordering::Relaxed), pulse.tick(0).map_err(|error| error.kind)), (3, Err(Kind::Interrupted)));
    }

    #[test]
    fn only_the_thread_that_was_called_asks() {
        let pulse = Pulse::asking(|| false);
        let tick = || {
            thread::sleep(Duration::from_millis(1));
            pulse.tick(0)
        };
        assert_eq!(thread::scope(|scope| scope.spawn(|| (0..100).try_for_each(|_| tick())).join()).unwrap(), Ok(()));
        while tick().is_ok() {}
    }

    #[test]
    #[should_panic(expected = "a worker's own words")]
    fn a_panic_of_a_worker_reaches_the_caller() {
        let _ = parallel(3, 9, |job| if job == 4 { std::panic::panic_any("a worker's own words") } else { Ok(job) });
    }
}
