//! The program with a configuration, and peers that speak to it line by line.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

/// A directory with a configuration, which everybody may look into.
pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn new(rest: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let text = format!(
            "hostname = \"localhost\"\ndata = \"data\"\n{rest}\n[passwords]\nscram_iterations = 4096\n"
        );
        std::fs::write(directory.path().join("posthaste.toml"), text).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(self.path("posthaste.toml"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    pub(crate) fn done(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The server, by this command; its standard error goes to the file `log`.
    pub(crate) fn serve(&self, mut command: Command) -> Server {
        let log = std::fs::File::create(self.path("log")).unwrap();
        self.started(command.stderr(log))
    }

    /// The same, with whatever its standard error is.
    pub(crate) fn started(&self, command: &mut Command) -> Server {
        command.args(["serve", "--config"]).arg(self.path("posthaste.toml")).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports = line.strip_prefix("ready ").unwrap_or_else(|| panic!("{line:?}: {}", self.log()));
        let port = |port: &str| {
            let (name, address) = port.split_once('=').unwrap();
            (name.to_owned(), address.parse().unwrap())
        };
        Server { child, ports: ports.split_whitespace().map(port).collect() }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// A server that ends with this.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) ports: BTreeMap<String, SocketAddr>,
}

impl Server {
    pub(crate) fn connect(&self, service: &str) -> Peer {
        Peer::connect(self.ports[service])
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Peer(BufReader<TcpStream>);

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// The next line; empty at the end of the connection, however it ends.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap_or_default();
        line
    }

    pub(crate) fn expect(&mut self, start: &str) -> String {
        let line = self.line();
        assert!(line.starts_with(start), "expected {start:?}, got {line:?}");
        line
    }

    /// Sends a line; the first line of the answer that starts so.
    pub(crate) fn ask(&mut self, command: &str, start: &str) -> String {
        self.send(&format!("{command}\r\n"));
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "{command:?}: ended before {start:?}");
            if line.starts_with(start) {
                return line;
            }
        }
    }

    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// All files below a directory.
pub(crate) fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_secs(30);
