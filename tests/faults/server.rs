//! A reference server that a test may harm: started under another program or with limits, killed, started again on what
//! is left, and looked into from outside.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use crate::{binary::binary, program, talk::Talk};

/// Users, who have all the password [`PASSWORD`].
pub(crate) const USERS: [&str; 3] = ["alice@example.test", "bob@example.test", "carol@example.test"];
pub(crate) const ALICE: &str = USERS[0];
pub(crate) const BOB: &str = USERS[1];
pub(crate) const CAROL: &str = USERS[2];
pub(crate) const PASSWORD: &str = "secret4u";

/// How long the server may take until it listens, and from SIGTERM until it has ended.
const START_MAX: Duration = Duration::from_secs(60);
pub(crate) const STOP_MAX: Duration = Duration::from_secs(40);

/// Where the listeners are, by the names they have in the configuration.
pub(crate) type Ports = BTreeMap<String, u16>;

/// A server. Dropping it ends the process and removes the directory.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    data: PathBuf,
    setting: Setting,
    ports: Ports,
    child: Option<Child>,
}

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setting {
    /// The program it is started by, with its arguments; it must become the server in the end.
    pub(crate) under: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Lines at the end of the configuration.
    pub(crate) configuration: String,
    /// Where its data is, in place of a directory of the test.
    pub(crate) data: Option<PathBuf>,
}

impl Server {
    /// Starts a server with the accounts of [`USERS`].
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(Setting::default())
    }

    #[track_caller]
    pub(crate) fn start_with(setting: Setting) -> Self {
        let folder = new_folder();
        let data = setting.data.clone().unwrap_or_else(|| folder.join("data"));
        copy(template(), &data);
        let mut server = Self { folder, data, setting, ports: BTreeMap::new(), child: None };
        server.configure();
        server.launch();
        server
    }

    pub(crate) const fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server is running").id()
    }

    /// Whether the process is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// SIGKILL: nothing is finished.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends SIGTERM and waits for the end.
    #[track_caller]
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the server is running");
        program::terminate(&mut child, STOP_MAX).unwrap_or_else(|| {
            panic!("the server did not end within {STOP_MAX:?} of SIGTERM\n{}", self.log())
        })
    }

    /// Waits until the process has ended by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self, at_most: Duration) -> ExitStatus {
        let done = crate::machine::eventually(at_most, || {
            self.child.as_mut().expect("the server was started").try_wait().unwrap()
        });
        self.child = None;
        done.unwrap_or_else(|| panic!("the server did not end within {at_most:?}\n{}", self.log()))
    }

    /// Starts the server on the data that is there.
    #[track_caller]
    pub(crate) fn launch(&mut self) {
        assert!(self.child.is_none(), "it is running");
        let (child, ready) = self.spawn();
        self.child = Some(child);
        match ready.recv_timeout(START_MAX) {
            Ok(line) => {
                self.ports = line.split(' ').skip(1).map(port).collect();
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("the server was not ready in {START_MAX:?}\n{}", self.log())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.take().unwrap().wait().unwrap();
                panic!("the server ended with {status} before it was ready\n{}", self.log());
            }
        }
    }

    /// Starts a process and tells the line with its ports, when it prints it.
    pub(crate) fn spawn(&self) -> (Child, mpsc::Receiver<String>) {
        let log = File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        let mut words = self.setting.under.clone();
        words.push(binary().into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(["serve", "--config"])
            .arg(self.config())
            .envs(self.setting.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = child.stdout.take().unwrap();
        let (sender, ready) = mpsc::channel();
        thread::spawn(move || {
            // Reads on to the end, so that the server never waits for a full pipe.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line.starts_with("ready") {
                    let _ = sender.send(line);
                }
            }
        });
        (child, ready)
    }

    /// Whether the server says that it can do its work.
    #[track_caller]
    pub(crate) fn is_ready(&self) -> bool {
        let mut talk = Talk::connect(self.ports["http"]).unwrap();
        talk.send("GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        match talk.line().unwrap().as_str() {
            "HTTP/1.1 200 OK" => true,
            "HTTP/1.1 503 Service Unavailable" => false,
            line => panic!("neither ready nor not: {line}"),
        }
    }

    /// Runs a command of the administrator.
    pub(crate) fn ask(&self, arguments: &[&str]) -> program::Output {
        let config = self.config();
        let arguments = arguments.iter().copied().chain(["--config", config.to_str().unwrap()]);
        program::run(binary(), arguments, b"")
    }

    /// Asserts that nothing is wrong with the store (REL-30).
    #[track_caller]
    pub(crate) fn check(&self) {
        let said = self.ask(&["check", "--json"]);
        assert_eq!(said.code, Some(0), "{}\n{}", said.report(), self.log());
        let first = String::from_utf8_lossy(&said.stdout).into_owned();
        let first = first.trim_start();
        assert!(first.starts_with("[]"), "findings: {first}\n{}", self.log());
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.join("posthaste.toml")
    }

    fn configure(&self) {
        configure(&self.config(), &self.data, &self.setting.configuration);
    }

    /// What the server wrote to standard error, its last part.
    pub(crate) fn log(&self) -> String {
        let text = self.whole_log();
        let mut cut = text.len().saturating_sub(8000);
        while !text.is_char_boundary(cut) {
            cut += 1;
        }
        format!("--- the server's log:\n{}", &text[cut..])
    }

    /// All that the server wrote to standard error.
    pub(crate) fn whole_log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    /// Asserts that no thread of the server has panicked so far.
    #[track_caller]
    pub(crate) fn assert_no_panic(&self) {
        assert!(!self.whole_log().contains("panicked"), "{}", self.log());
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

/// `smtp=127.0.0.1:4711`.
fn port(word: &str) -> (String, u16) {
    let (name, address) = word.split_once('=').unwrap();
    (name.to_owned(), address.rsplit(':').next().unwrap().parse().unwrap())
}

fn configure(file: &Path, data: &Path, more: &str) {
    let listen = "smtp imap pop3 lmtp http"
        .split(' ')
        .map(|name| format!("{name} = [\"127.0.0.1:0\"]\n"))
        .collect::<String>();
    // Without TLS: what is tested lies below it.
    let text = format!(
        "hostname = \"mail.example.test\"\ndata = {data:?}\n\n[listen]\n{listen}\n[login]\nplaintext = true\n\n{more}"
    );
    fs::write(file, text).unwrap();
}

pub(crate) fn new_folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("posthaste-faults-{}-{number}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A data directory with the accounts, made once for each run.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // That of a run which is over is left behind by it.
        for old in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = old.file_name().into_string().unwrap_or_default();
            let run = name.strip_prefix("faults-template-");
            if run.is_some_and(|run| !Path::new("/proc").join(run).exists()) {
                let _ = fs::remove_dir_all(old.path());
            }
        }
        let folder = folder.join(format!("faults-template-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (config, data) = (folder.join("posthaste.toml"), folder.join("data"));
        configure(&config, &data, "");
        let config = config.to_str().unwrap();
        program::run(binary(), ["domain", "add", "example.test", "--config", config], b"").success();
        for user in USERS {
            let words = ["account", "add", user, "--password-stdin", "--config", config];
            program::run(binary(), words, format!("{PASSWORD}\n").as_bytes()).success();
        }
        data
    })
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
