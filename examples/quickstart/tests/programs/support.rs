//! A sink to talk to, programs that are run for a limited time, and a path between the two that can be cut.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use posthaste_imap::types::{DateTime, Flag, Flags};
use posthaste_quickstart::sink::{Options, Sink};
use posthaste_tokio::tls::Trust;
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, TlsMode, imap, pop3};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) const SEND_MAIL: &str = env!("CARGO_BIN_EXE_send_mail");
pub(crate) const READ_INBOX: &str = env!("CARGO_BIN_EXE_read_inbox");
pub(crate) const FETCH_POP3: &str = env!("CARGO_BIN_EXE_fetch_pop3");
pub(crate) const WATCH: &str = env!("CARGO_BIN_EXE_watch");
pub(crate) const SINK: &str = env!("CARGO_BIN_EXE_sink");
pub(crate) const STARTTLS_PROXY: &str = env!("CARGO_BIN_EXE_starttls_proxy");
pub(crate) const COPY_MAILBOX: &str = env!("CARGO_BIN_EXE_copy_mailbox");

pub(crate) const PROGRAMS: [(&str, &str); 7] = [
    ("send_mail", SEND_MAIL),
    ("read_inbox", READ_INBOX),
    ("fetch_pop3", FETCH_POP3),
    ("watch", WATCH),
    ("sink", SINK),
    ("starttls_proxy", STARTTLS_PROXY),
    ("copy_mailbox", COPY_MAILBOX),
];

/// No program here takes nearly as long.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("done in time")
}

/// A sink with TLS, and a directory with its certificate.
pub(crate) struct Server {
    pub(crate) sink: Sink,
    pub(crate) directory: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let options = Options { certificate: Some(directory.path().join("ca.pem")), ..Options::default() };
        Self { sink: Sink::start(&options).await.unwrap(), directory }
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    pub(crate) fn add(&self, message: &'static str) {
        self.sink.add(message, Flags::from([Flag::Seen]), date(1_700_000_000)).unwrap();
    }

    /// What is stored, without what is noted of it.
    pub(crate) fn contents(&self) -> Vec<Bytes> {
        self.sink.messages().into_iter().map(|(content, ..)| content).collect()
    }

    pub(crate) async fn imap(&self) -> imap::Client {
        let options = self.options();
        soon(imap::Client::connect(&self.endpoint(Protocol::Imap, self.sink.imap), &options)).await.unwrap()
    }

    pub(crate) async fn pop3(&self) -> pop3::Client {
        let options = self.options();
        soon(pop3::Client::connect(&self.endpoint(Protocol::Pop3, self.sink.pop3), &options)).await.unwrap()
    }

    fn endpoint(&self, protocol: Protocol, address: SocketAddr) -> Endpoint {
        let endpoint = Endpoint::new(protocol, "localhost").unwrap();
        endpoint.with_tls(TlsMode::StartTls).with_port(address.port())
    }

    fn options(&self) -> ClientOptions {
        let trust = Trust::from_pem(&std::fs::read(self.certificate()).unwrap()).unwrap();
        ClientOptions::default().with_trust(trust).with_credentials(Credentials::new("ursel", "Geheim!"))
    }

    /// A program that trusts this server and knows the password.
    pub(crate) fn program(&self, path: &str) -> Program {
        Program::new(path).env("MAIL_CA", self.certificate()).env("MAIL_PASSWORD", "Geheim!")
    }
}

pub(crate) fn date(seconds: i64) -> DateTime {
    DateTime::from_unix_seconds(seconds, 60).unwrap()
}

/// A program to run: with no environment but what it is given, and an empty standard input.
pub(crate) struct Program(Command);

/// What became of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) is_ok: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// One that goes on.
pub(crate) struct Running {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Program {
    pub(crate) fn new(path: &str) -> Self {
        let mut command = Command::new(path);
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self(command)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.0.env(name, value.as_ref());
        self
    }

    pub(crate) async fn run<const N: usize>(self, arguments: [&str; N]) -> Done {
        self.feed("", arguments).await
    }

    /// Runs it with a standard input.
    pub(crate) async fn feed<const N: usize>(mut self, input: &str, arguments: [&str; N]) -> Done {
        let mut child = self.0.args(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let write = async {
            // A program that does not read may be gone already.
            let _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
        };
        let (output, ()) = soon(async { tokio::join!(child.wait_with_output(), write) }).await;
        let output = output.unwrap();
        Done {
            is_ok: output.status.success(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn start<const N: usize>(mut self, arguments: [&str; N]) -> Running {
        let mut child = self.0.args(arguments).stderr(Stdio::null()).spawn().unwrap();
        Running { lines: BufReader::new(child.stdout.take().unwrap()).lines(), _child: child }
    }
}

impl Running {
    /// The next line it prints.
    pub(crate) async fn line(&mut self) -> String {
        soon(self.lines.next_line()).await.unwrap().expect("one more line")
    }
}

/// A path to a server that is cut when somebody says so, or after some octets from the server.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    cut: watch::Sender<()>,
    _accepting: JoinHandle<()>,
}

impl Way {
    /// `limits` are those of the first connections; the others have none.
    pub(crate) async fn to(server: SocketAddr, limits: &'static [usize]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cut = watch::Sender::new(());
        let cuts = cut.clone();
        let accepting = tokio::spawn(async move {
            for limit in limits.iter().copied().map(Some).chain(std::iter::repeat(None)) {
                let (client, _) = listener.accept().await.unwrap();
                let mut cuts = cuts.subscribe();
                tokio::spawn(async move {
                    tokio::select! {
                        () = relay(client, server, limit) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Self { address, cut, _accepting: accepting }
    }

    /// Cuts all connections there are.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(());
    }
}

async fn relay(mut client: TcpStream, server: SocketAddr, limit: Option<usize>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let Some(limit) = limit else {
        let _ = copy_bidirectional(&mut client, &mut server).await;
        return;
    };
    let (mut from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let mut from_server = from_server.take(u64::try_from(limit).unwrap());
    tokio::select! {
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
    }
}
