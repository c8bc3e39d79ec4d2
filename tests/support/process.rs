//! Programs that tests start, hear and end.

use std::io::{BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::time::{Stopwatch, ms, s};

/// The program under test.
pub(crate) const YUANJIAO: &str = env!("CARGO_BIN_EXE_yuanjiao");

/// What a program wrote, line by line, while it goes on writing.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    since: Stopwatch,
    lines: Arc<Mutex<Vec<(Duration, String)>>>,
}

impl Lines {
    fn begin() -> Self {
        Self { since: Stopwatch::start(), lines: Arc::default() }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.timed().into_iter().map(|(_, line)| line).collect()
    }

    /// The lines, and how long after the program's start each came.
    pub(crate) fn timed(&self) -> Vec<(Duration, String)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, line: String) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push((self.since.passed(), line));
    }
}

/// A running program. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
    readers: Vec<JoinHandle<Duration>>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// From its start to its last word, however late its end was looked at.
    pub(crate) lasted: Duration,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

impl Program {
    /// Starts `command` with nothing to read.
    pub(crate) fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|e| {
            panic!(
                "`{name}` could not be started: {e}. scripts/install-deps.sh test installs what is missing"
            )
        });
        let (out, err) = (Lines::begin(), Lines::begin());
        let readers = [
            child.stdout.take().map(|pipe| read(pipe, out.clone())),
            child.stderr.take().map(|pipe| read(pipe, err.clone())),
        ];
        Self { name, child, out, err, readers: readers.into_iter().flatten().collect() }
    }

    /// Runs `command` to its end.
    pub(crate) fn run(command: &mut Command, limit: Duration) -> Ended {
        Self::start(command).finish(limit)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        signal_to(self.child.id(), signal);
    }

    /// Waits for its end; one that does not come within `limit` is a failure.
    #[track_caller]
    pub(crate) fn finish(mut self, limit: Duration) -> Ended {
        let watch = Stopwatch::start();
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) => {}
                Err(e) => panic!("`{}` cannot be waited for: {e}", self.name),
            }
            if watch.passed() > limit {
                panic!("`{}` did not end within {limit:?}; it said {:#?}", self.name, self.err.all());
            }
            std::thread::sleep(ms(20));
        };
        let said = self.readers.drain(..).map(|r| r.join().expect("a reader does not panic"));
        let lasted = said.max().expect("what it says is read");
        Ended { status, lasted, out: self.out.all(), err: self.err.all() }
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it as an operator would, and at once if it does not listen.
    pub(crate) fn end(&mut self) {
        if self.is_running() {
            self.signal(Signal::SIGTERM);
            let watch = Stopwatch::start();
            while self.is_running() && watch.passed() < s(8) {
                std::thread::sleep(ms(20));
            }
        }
        self.kill();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Ended {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// All it wrote to standard output.
    pub(crate) fn text(&self) -> String {
        self.out.join("\n")
    }

    #[track_caller]
    pub(crate) fn good(self, what: &str) -> Self {
        assert!(self.status.success(), "{what}: {}\n{:#?}\n{:#?}", self.status, self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn bad(self, what: &str) {
        assert!(!self.status.success(), "{what} was let in: {:#?}", self.out);
    }
}

/// Sends `signal` to the process with this number.
pub(crate) fn signal_to(id: u32, signal: Signal) {
    let id = i32::try_from(id).expect("process numbers are small");
    // It may be gone already.
    let _ = kill(Pid::from_raw(id), signal);
}

/// The thread ends with the pipe, and tells when that was.
fn read(pipe: impl Read + Send + 'static, lines: Lines) -> JoinHandle<Duration> {
    std::thread::spawn(move || {
        let mut line = Vec::new();
        let end = |line: &mut Vec<u8>| {
            lines.push(String::from_utf8_lossy(line).trim_end().to_owned());
            line.clear();
        };
        for byte in BufReader::new(pipe).bytes().map_while(Result::ok) {
            match byte {
                b'\n' => end(&mut line),
                // A status line is written over and over; each is a line.
                b'\r' if line.is_empty() => {}
                b'\r' => end(&mut line),
                _ => line.push(byte),
            }
        }
        if !line.is_empty() {
            end(&mut line);
        }
        lines.since.passed()
    })
}

/// `yuanjiao` with these arguments.
pub(crate) fn yuanjiao<I: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(YUANJIAO);
    command.args(arguments);
    command
}
