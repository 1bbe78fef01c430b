//! The way to a server on another machine: `--server URL` over HTTPS, with a token that `login` has brought and saved. The
//! password is asked for once and kept nowhere.
//!
//! What is saved is for its owner alone, in `posthaste/servers.json` below `$XDG_CONFIG_HOME` or `~/.config`.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use posthaste_tokio::tls::{Alpn, ClientSettings, Trust};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{Common, door, password, show, text};
use crate::admin::{Operation, Password, Problem, ProblemKind, administrators};
use crate::store::Progress;

/// Gets a token of a server, for `--server`.
#[derive(Debug, Args)]
pub(super) struct LogIn {
    /// The server, as in https://mail.example.org:8443.
    url: String,
    /// The name of an administrator, or the address of an account.
    #[arg(long)]
    user: String,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    /// Trust the certificates of this file and no others.
    #[arg(long, value_name = "FILE.pem")]
    ca: Option<PathBuf>,
}

/// Ends the token of a server and forgets it.
#[derive(Debug, Args)]
pub(super) struct LogOut {
    /// The server.
    url: String,
}

/// A server and how to get in.
#[derive(Debug)]
pub(super) struct Remote {
    url: Url,
    authorization: String,
    ca: Option<String>,
}

/// What is saved of a server.
#[derive(Serialize, Deserialize)]
struct Saved {
    token: String,
    /// Certificates to trust, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
}

/// By the origin of the server.
type Profiles = BTreeMap<String, Saved>;

impl LogIn {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let url = parse(&self.url)?;
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let ca = self.ca.as_ref().map(read).transpose()?;
        let password = if self.password_stdin {
            password::line()?
        } else {
            password::once(&format!("Password of {}", self.user))?
        };
        let basic = STANDARD.encode(format!("{}:{password}", self.user));
        let remote = Remote { url, authorization: format!("Basic {basic}"), ca };
        let made = remote.call(administrators::LogIn {}, Progress::silent()).await.map_err(text)?;
        let mut profiles = profiles()?;
        let origin = remote.origin();
        profiles.insert(origin.clone(), Saved { token: made.token, ca: remote.ca });
        save(&profiles)?;
        let hours = made.expires_in / 3600;
        show::say(
            common.form(),
            &format!("logged in for {hours} hours: give --server {origin} to other commands"),
        )
    }
}

impl LogOut {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let url = parse(&self.url)?;
        let origin = origin(&url);
        let mut profiles = profiles()?;
        let Some(saved) = profiles.remove(&origin) else {
            return Err(format!("nobody is logged in to {origin}"));
        };
        // Whatever the server says, it is not here any more.
        save(&profiles)?;
        let token = Password::new(&saved.token);
        let remote = Remote::new(url, saved);
        let end = remote.call(administrators::LogOut { token }, Progress::silent());
        let why = match tokio::time::timeout(END_TIMEOUT, end).await {
            // One that was good no more needs no end.
            Ok(Err(problem)) if problem.kind != ProblemKind::Unauthorized => problem.to_string(),
            Ok(_) => {
                return show::say(common.form(), &format!("the token of {origin} is ended and forgotten"));
            }
            Err(_) => format!("{origin} did not answer within {} seconds", END_TIMEOUT.as_secs()),
        };
        Err(format!(
            "the token of {origin} is forgotten here, but the server could not be told and takes it until it is too \
             old: {why}"
        ))
    }
}

impl Remote {
    /// The server of this URL, with what was saved for it.
    pub(super) fn find(given: &str) -> Result<Self, String> {
        let url = parse(given)?;
        let origin = origin(&url);
        let Some(saved) = profiles()?.remove(&origin) else {
            return Err(format!(
                "nobody is logged in to {origin}: run `posthaste login {origin} --user NAME`"
            ));
        };
        Ok(Self::new(url, saved))
    }

    fn new(url: Url, saved: Saved) -> Self {
        Self { url, authorization: format!("Bearer {}", saved.token), ca: saved.ca }
    }

    /// Does one operation.
    pub(super) async fn call<O: Operation>(
        &self,
        request: O,
        progress: Progress,
    ) -> Result<O::Answer, Problem> {
        let (host, port) = (self.url.host_str().unwrap_or_default(), self.url.port_or_known_default());
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((bare, port.unwrap_or(443))).await;
        let stream = stream.map_err(|error| self.out_of_reach(&error))?;
        let way = door::Way { host: authority(&self.url), authorization: Some(self.authorization.clone()) };
        let answered = if self.url.scheme() == "https" {
            let name = ServerName::try_from(bare.to_owned()).map_err(|error| self.out_of_reach(&error))?;
            let stream = TlsConnector::from(self.tls()?).connect(name, stream).await;
            let stream = stream.map_err(|error| self.out_of_reach(&error))?;
            door::ask::<O>(stream, way, &request, &progress).await
        } else {
            door::ask::<O>(stream, way, &request, &progress).await
        };
        let answer = answered.map_err(|problem| self.in_words(problem))?;
        serde_json::from_value(answer).map_err(|error| self.out_of_reach(&error))
    }

    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Problem> {
        let settings = ClientSettings::new(Alpn::Smtp);
        let settings = match &self.ca {
            Some(ca) => settings
                .with_trust(Trust::from_pem(ca.as_bytes()).map_err(|error| self.out_of_reach(&error))?),
            None => settings,
        };
        let mut config =
            rustls::ClientConfig::clone(&*settings.build().map_err(|error| self.out_of_reach(&error))?);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn origin(&self) -> String {
        origin(&self.url)
    }

    fn out_of_reach(&self, error: &dyn std::fmt::Display) -> Problem {
        let problem = Problem::new(ProblemKind::Unavailable, format!("{}: {error}", self.origin()));
        problem.remedy(
            "is the address right, does the server listen there, and is its certificate trusted (--ca)?",
        )
    }

    /// The same, for somebody who uses commands.
    fn in_words(&self, problem: Problem) -> Problem {
        if problem.kind == ProblemKind::Unauthorized && self.authorization.starts_with("Bearer ") {
            return problem.remedy(format!("run `posthaste login {} --user NAME` again", self.origin()));
        }
        problem
    }
}

/// A URL to which a password may be sent.
fn parse(given: &str) -> Result<Url, String> {
    let url = Url::parse(given).map_err(|error| {
        format!("{given:?} is no address of a server: {error}; write it like https://mail.example.org:8443")
    })?;
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if is_local => Ok(url),
        _ => Err(format!(
            "{given:?} is not encrypted: write it with https, or ask the machine itself with http"
        )),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), authority(url))
}

/// The file of what is saved.
fn file() -> Result<PathBuf, String> {
    let directory = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = directory("XDG_CONFIG_HOME").or_else(|| Some(directory("HOME")?.join(".config")));
    let config =
        config.ok_or("there is no home directory to keep the token in: set HOME or XDG_CONFIG_HOME")?;
    Ok(config.join("posthaste").join("servers.json"))
}

fn profiles() -> Result<Profiles, String> {
    let path = file()?;
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    match std::fs::read(&path) {
        Ok(octets) => serde_json::from_slice(&octets).map_err(|error| failed(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Profiles::new()),
        Err(error) => Err(failed(&error)),
    }
}

/// Replaces the file, which nobody else can read at any moment.
fn save(profiles: &Profiles) -> Result<(), String> {
    let path = file()?;
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let directory = path.parent().ok_or("there is no directory to keep the token in")?;
    std::fs::create_dir_all(directory).map_err(failed)?;
    let json = serde_json::to_vec_pretty(profiles).map_err(text)?;
    // Made with mode 0600.
    let mut made = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    made.write_all(&json).map_err(failed)?;
    made.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// How long a server may take to end a token.
const END_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u15_a_password_goes_nowhere_in_the_clear() {
        for good in
            ["https://mail.x.test", "https://192.0.2.1:8443", "http://localhost:8080", "http://[::1]:80"]
        {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in
            ["http://mail.x.test", "http://192.0.2.1", "mail.x.test", "ftp://localhost", "https://", ""]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(origin(&parse("https://mail.x.test:443/api?x").unwrap()), "https://mail.x.test");
        assert_eq!(origin(&parse("https://Mail.x.test:8443/").unwrap()), "https://mail.x.test:8443");
    }
}
