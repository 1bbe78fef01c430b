//! strace on a running server: what it asks of the system, and answers of the system that it does not expect.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{machine, program, server::Server};

/// How long strace may take to let the server go.
const DETACH_MAX: Duration = Duration::from_secs(2);

/// strace, attached to all threads of a server. Dropping it lets the server go.
#[derive(Debug)]
pub(crate) struct Tracer {
    child: Child,
    file: PathBuf,
}

/// Where strace is, if it may be used.
#[track_caller]
pub(crate) fn find() -> Option<PathBuf> {
    program::find("strace")
}

impl Tracer {
    /// Attaches to a server and traces `calls`, with `more` arguments.
    #[track_caller]
    pub(crate) fn attach(strace: &Path, server: &Server, calls: &str, more: &[&str]) -> Self {
        let file = server.folder().join("trace");
        let mut child = Command::new(strace)
            .args(["-f", "-y", "-s", "256", "-e", &format!("trace={calls}"), "-e", "signal=none", "-o"])
            .arg(&file)
            .args(more)
            .args(["-p", &server.pid().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("strace: {error}"));
        let stderr = child.stderr.take().unwrap();
        let (sender, attached) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let first = attached.recv_timeout(Duration::from_secs(20));
        let is_attached = first.as_ref().is_ok_and(|line| line.contains("attached"));
        let tracer = Self { child, file };
        assert!(is_attached, "strace says {first:?}");
        tracer
    }

    /// Lets the server go, and returns what was traced.
    pub(crate) fn detach(mut self) -> String {
        self.end();
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            machine::signal("TERM", self.child.id());
        }
        // It may wait for ever for threads of a server that is no more.
        if machine::eventually(DETACH_MAX, || self.child.try_wait().ok().flatten()).is_none() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.end();
    }
}
