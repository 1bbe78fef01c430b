//! Running programs of other people: whether they are there, and what they say, within a time-out.

use std::{
    env,
    ffi::OsStr,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// How long a program may take for everything it does.
const RUN_MAX: Duration = Duration::from_secs(60);

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Output {
    /// The command line, for messages.
    pub(crate) command: String,
    /// The exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Output {
    /// Asserts that the program was content, and returns what it wrote to standard output.
    #[track_caller]
    pub(crate) fn success(self) -> Vec<u8> {
        assert_eq!(self.code, Some(0), "{}", self.report());
        self.stdout
    }

    /// As [`success`](Self::success), as text.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        String::from_utf8_lossy(&self.success()).into_owned()
    }

    /// Asserts that the program failed with this exit code.
    #[track_caller]
    pub(crate) fn fails_with(self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.report());
    }

    /// All of it, for the message of a failed assertion.
    pub(crate) fn report(&self) -> String {
        format!(
            "{} ended with {:?}\n--- standard output:\n{}\n--- standard error:\n{}",
            self.command,
            self.code,
            String::from_utf8_lossy(&self.stdout),
            String::from_utf8_lossy(&self.stderr),
        )
    }
}

/// Where the program `name` is. `None`, with a line that says so, when it is not installed.
///
/// # Panics
///
/// When it is not installed and `POSTHASTE_REQUIRE_CLIENTS` is `1`.
#[track_caller]
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        let required = env::var_os("POSTHASTE_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
        assert!(!required, "{name} is not installed, and POSTHASTE_REQUIRE_CLIENTS=1 demands it");
        println!("skipped: {name} is not installed");
    }
    found
}

/// Runs a program with `input` as its standard input.
///
/// # Panics
///
/// When it cannot be started, or has not ended after a minute; it is ended then.
#[track_caller]
pub(crate) fn run<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    input: &[u8],
) -> Output {
    run_for(program, arguments, input, RUN_MAX)
}

/// As [`run`], with a time-out of its own.
#[track_caller]
pub(crate) fn run_for<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
    input: &[u8],
    timeout: Duration,
) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let line = format!("{command:?}");
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{line} cannot be started: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // A program that ends without reading its input breaks the pipe; its exit code tells the story.
    thread::spawn(move || stdin.write_all(&input));
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());

    let deadline = Instant::now() + timeout;
    let rest = || deadline.saturating_duration_since(Instant::now());
    let (stdout, stderr) = match (stdout.recv_timeout(rest()), stderr.recv_timeout(rest())) {
        (Ok(stdout), Ok(stderr)) => (stdout, stderr),
        (stdout, stderr) => {
            let _ = child.kill();
            let _ = child.wait();
            panic!(
                "{line} did not end within {timeout:?}\n--- standard output:\n{}\n--- standard error:\n{}",
                stdout.map_or("(open)".into(), |text| String::from_utf8_lossy(&text).into_owned()),
                stderr.map_or("(open)".into(), |text| String::from_utf8_lossy(&text).into_owned()),
            );
        }
    };
    Output { command: line, code: child.wait().unwrap().code(), stdout, stderr }
}

/// Sends SIGTERM to a child and waits for its end. One that does not end in time is killed: `None`.
pub(crate) fn terminate(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let kill = Command::new("/bin/sh").args(["-c", &format!("kill -TERM {}", child.id())]).status();
    let deadline = Instant::now() + timeout;
    while kill.is_ok() && Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) => thread::sleep(Duration::from_millis(10)),
            Err(_) => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = pipe.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}
