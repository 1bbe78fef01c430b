//! A reference server for one test: built, configured in a directory of its own, started on free ports of loopback,
//! and ended by its process id, whatever becomes of the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use crate::{binary::binary, program};

/// The server's name, which is in its certificate. It resolves nowhere: clients are told where it is.
pub(crate) const HOST: &str = "mail.example.test";
pub(crate) const ALICE: &str = "alice@example.test";
pub(crate) const BOB: &str = "bob@example.test";
/// A password that a client has to quote.
pub(crate) const PASSWORD: &str = "Correct horse, 4 stable";

/// How long the server may take from its start until it listens, and from SIGTERM until it has ended.
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);
/// A port that was free may be taken by somebody else before the server has it.
const ATTEMPTS: usize = 4;

const LISTENERS: [&str; 9] =
    ["smtp", "submission", "submissions", "imap", "imaps", "pop3", "pop3s", "lmtp", "http"];

/// A running server. Dropping it ends the process and removes the directory.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    ports: BTreeMap<&'static str, u16>,
    child: Option<Child>,
}

impl Server {
    /// Starts a server for `example.test` with the accounts of Alice and Bob.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let mut server = Self::prepared();
        server.launch();
        server
    }

    /// The port of a listener, by the name it has in the configuration.
    pub(crate) fn port(&self, listener: &str) -> u16 {
        self.ports[listener]
    }

    /// The directory of this test, where clients may keep files too.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The certificate that clients are to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        let path = self.folder.join("data/tls/certificate.pem");
        assert!(path.is_file(), "the server made no certificate at DATA/tls/certificate.pem");
        path
    }

    /// Ends the server as a power cut would, and starts it again on what is left.
    #[track_caller]
    pub(crate) fn crash_and_restart(&mut self) {
        self.kill();
        self.launch();
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server is running");
        program::terminate(&mut child, STOP_MAX).unwrap_or_else(|| {
            panic!("the server did not end within {STOP_MAX:?} of SIGTERM\n{}", self.log())
        })
    }

    fn prepared() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("posthaste-interop-{}-{number}", process::id()));
        fs::create_dir_all(folder.join("data")).unwrap();
        let server = Self { folder, ports: BTreeMap::new(), child: None };
        server.configure();
        server.administer(&["domain", "add", "example.test"], "");
        for account in [ALICE, BOB] {
            server.administer(&["account", "add", account, "--password-stdin"], PASSWORD);
        }
        server
    }

    /// Runs a command of the administrator, which must succeed.
    #[track_caller]
    fn administer(&self, arguments: &[&str], input: &str) {
        let config = self.config();
        let arguments = arguments.iter().copied().chain(["--config", config.to_str().unwrap()]);
        program::run(binary(), arguments, format!("{input}\n").as_bytes()).success();
    }

    fn config(&self) -> PathBuf {
        self.folder.join("posthaste.toml")
    }

    fn configure(&self) {
        let data = self.folder.join("data");
        let mut text = format!("hostname = \"{HOST}\"\ndata = {data:?}\n\n[listen]\n");
        for (listener, port) in &self.ports {
            writeln!(text, "{listener} = [\"127.0.0.1:{port}\"]").unwrap();
        }
        fs::write(self.config(), text).unwrap();
    }

    #[track_caller]
    fn launch(&mut self) {
        for attempt in 1..=ATTEMPTS {
            self.ports = LISTENERS.into_iter().zip(free_ports::<{ LISTENERS.len() }>()).collect();
            self.configure();
            let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
            let mut child = Command::new(binary())
                .args(["serve", "--config"])
                .arg(self.config())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log)
                .spawn()
                .unwrap_or_else(|error| panic!("{} cannot be started: {error}", binary().display()));
            let stdout = child.stdout.take().unwrap();
            self.child = Some(child);
            let (sender, ready) = mpsc::channel();
            thread::spawn(move || {
                // Reads on to the end, so that the server never waits for a full pipe.
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if line.starts_with("ready") {
                        let _ = sender.send(());
                    }
                }
            });
            match ready.recv_timeout(START_MAX) {
                Ok(()) => return,
                Err(RecvTimeoutError::Timeout) => {
                    panic!(
                        "the server printed no line starting with `ready` in {START_MAX:?}\n{}",
                        self.log()
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.take().unwrap().wait().unwrap();
                    assert!(
                        attempt < ATTEMPTS,
                        "the server ended with {status} before it was ready, {ATTEMPTS} times\n{}",
                        self.log()
                    );
                }
            }
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// What the server wrote to standard error, its last part.
    fn log(&self) -> String {
        let text = fs::read(self.folder.join("log")).unwrap_or_default();
        let tail = &text[text.len().saturating_sub(8000)..];
        format!("--- the server's log:\n{}", String::from_utf8_lossy(tail))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("{}", self.log());
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Free ports of loopback. None is given twice to the tests of this process.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut held = Vec::new();
    [(); N].map(|()| {
        loop {
            let socket = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = socket.local_addr().unwrap().port();
            held.push(socket);
            if given.insert(port) {
                return port;
            }
        }
    })
}

#[test]
fn sigterm_ends_the_server_with_success_although_a_client_is_connected() {
    let mut server = Server::start();
    let mut talk = crate::raw::Talk::connect(&server, "smtp");
    talk.expect("220");
    assert_eq!(server.terminate().code(), Some(0), "{}", server.log());
}

#[test]
fn the_demo_runs_to_its_end() {
    program::run(binary(), ["demo", "--once"], b"").success();
}
