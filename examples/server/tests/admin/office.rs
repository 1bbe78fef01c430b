//! A server with administration and one IMAP port, and ways to ask it.

use std::net::SocketAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::rt::TokioIo;
use posthaste_server::admin::{Admin, Password, Problem, accounts, administrators, domains};
use posthaste_server::config::{Config, Listen};
use posthaste_server::directory::{Address, Directory, HashCost, Role};
use posthaste_server::listen::{self, Running};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

pub(crate) struct Office {
    pub(crate) data: TempDir,
    pub(crate) running: Running,
}

/// Who asks over TCP.
#[derive(Clone, Copy)]
pub(crate) enum As<'a> {
    Nobody,
    Basic(&'a str, &'a str),
    Bearer(&'a str),
}

impl Office {
    /// With x.test and y.test; root, an administrator; boss@x.test, who administers x.test; anna@x.test; and
    /// yves@y.test. Their password is `secret`, that of root `root-secret`.
    pub(crate) async fn open() -> Self {
        let office = Self::open_with(|_| {}).await;
        let admin = office.admin();
        for name in ["x.test", "y.test"] {
            admin.ask(domains::Add { name: name.into() }).await.unwrap();
        }
        let put = administrators::Put {
            name: "root".into(),
            password: Password::new("root-secret"),
            confirmation: None,
        };
        admin.ask(put).await.unwrap();
        for name in ["anna@x.test", "yves@y.test"] {
            office.add(name).await;
        }
        let boss = accounts::Add::new(address("boss@x.test"), Password::new("secret"));
        admin.ask(accounts::Add { role: Role::DomainAdmin, ..boss }).await.unwrap();
        office
    }

    /// With nothing in it.
    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let any = || vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        let listen = Listen { imap: any(), http: any(), ..Listen::default() };
        let mut config = Config { listen, ..Config::new("mail.x.test", data.path().join("data")) };
        // The fewest there may be: tests make many.
        config.passwords.scram_iterations = 4096;
        // All who ask are on this machine.
        config.bans.exempt.clear();
        change(&mut config);
        let running = listen::start(config, HashCost::MINIMUM).await.unwrap();
        Self { data, running }
    }

    /// The same after a restart.
    pub(crate) async fn again(self) -> Self {
        let Self { data, running } = self;
        let config = Config::clone(&running.context().config);
        running.stop().await;
        Self { data, running: listen::start(config, HashCost::MINIMUM).await.unwrap() }
    }

    pub(crate) fn admin(&self) -> &Admin {
        self.running.admin()
    }

    pub(crate) fn directory(&self) -> &Directory {
        self.running.directory()
    }

    pub(crate) async fn add(&self, name: &str) {
        self.admin().ask(accounts::Add::new(address(name), Password::new("secret"))).await.unwrap();
    }

    /// Asks over TCP; the status and what came back.
    pub(crate) async fn tcp(&self, who: As<'_>, method: &str, path: &str, body: Value) -> (u16, Value) {
        let stream = TcpStream::connect(self.running.http[0]).await.unwrap();
        let given = match who {
            As::Nobody => None,
            As::Basic(user, password) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            As::Bearer(token) => Some(format!("Bearer {token}")),
        };
        let (status, _, body) = exchange(stream, given, method, path, body).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// Asks over the socket in the data directory.
    pub(crate) async fn local(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let socket = self.data.path().join("data/admin.sock");
        let stream = UnixStream::connect(socket).await.unwrap();
        let (status, _, body) = exchange(stream, None, method, path, body).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    /// As [`local`](Self::local), for what is to succeed.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.local(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    /// As [`local`](Self::local), for what is to be refused.
    pub(crate) async fn refused(
        &self,
        method: &str,
        path: &str,
        body: Value,
        status: u16,
        why: &str,
    ) -> Problem {
        let (found, answer) = self.local(method, path, body).await;
        assert_eq!(found, status, "{method} {path}: {answer}");
        let problem: Problem = serde_json::from_value(answer).unwrap();
        assert!(problem.to_string().contains(why), "{problem}");
        problem
    }
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// One request; the status, the content type, and the body.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    authorization: Option<String>,
    method: &str,
    path: &str,
    body: Value,
) -> (u16, String, String) {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let body = if body == json!({}) { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let mut request = request.header("content-type", "application/json");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let response = sender.send_request(request.body(Full::new(body)).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, kind.unwrap_or_default(), String::from_utf8(body.to_vec()).unwrap())
}
