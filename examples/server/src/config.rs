//! The configuration file: TOML, every key checked, nothing unknown passed over. An error names the file and
//! the line, and says what to do.
//!
//! ```toml
//! hostname = "mail.example.org"
//! data = "/var/lib/posthaste"
//!
//! [listen]                        # a port that is not here is closed
//! smtp = ["[::]:25"]
//! submissions = ["[::]:465"]
//! imaps = ["[::]:993"]
//!
//! [tls]                           # or [tls.acme]; without either: a certificate nobody trusts, for trying out
//! certificate = "/etc/posthaste/fullchain.pem"
//! key = "/etc/posthaste/key.pem"
//!
//! [[tls.others]]                  # shown to clients that ask for a name that is in it
//! certificate = "/etc/posthaste/other.pem"
//! key = "/etc/posthaste/other-key.pem"
//!
//! [run_as]                        # when started by root
//! user = "posthaste"
//!
//! [bans]                          # peers that guess passwords
//! failures = 20
//! minutes = 60
//!
//! [greylisting]                   # in domains that want it: how long unknown clients wait
//! delay_seconds = 60
//!
//! [backups]                       # copies that can be used as data directories
//! directory = "/var/backups/posthaste"
//! every_hours = 24
//! keep = 7
//!
//! [limits]
//! message_size = "50M"
//! ```

mod administration;
mod greylisting;
mod serving;
mod tls;
mod waiting;
mod weakness;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

pub use administration::{Backups, Bans, Http, Login, Passwords};
pub use greylisting::Greylisting;
pub use serving::{Pop3, Proxies, Retention, RunAs, Search};
pub use tls::{Acme, Certificate, CertificateSource, Tls};
pub use weakness::Weakness;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What the server calls itself in greetings and in Received fields: its DNS name.
    #[serde(deserialize_with = "hostname")]
    pub hostname: String,
    /// The data directory. A relative path counts from the directory of the file.
    pub data: PathBuf,
    /// Which ports are open.
    #[serde(default)]
    pub listen: Listen,
    /// The certificates; absent for a self-signed one.
    pub tls: Option<Tls>,
    /// What one peer may take.
    #[serde(default)]
    pub limits: Limits,
    /// What new passwords cost whoever guesses them.
    #[serde(default)]
    pub passwords: Passwords,
    /// Logging in.
    #[serde(default)]
    pub login: Login,
    /// When peers that guess passwords are shut out.
    #[serde(default)]
    pub bans: Bans,
    /// How long mail of unknown clients waits, in domains that want that.
    #[serde(default)]
    pub greylisting: Greylisting,
    /// The HTTP interface.
    #[serde(default)]
    pub http: Http,
    /// Searching in messages.
    #[serde(default)]
    pub search: Search,
    /// Copies of the store, made by themselves; none when absent.
    pub backups: Option<Backups>,
    /// Whom to run as.
    pub run_as: Option<RunAs>,
    /// Whose PROXY headers are believed.
    #[serde(default)]
    pub proxies: Proxies,
    /// How long things are kept.
    #[serde(default)]
    pub retention: Retention,
    /// What POP3 does.
    #[serde(default)]
    pub pop3: Pop3,
    /// The account whose mailboxes IMAP shows under `Shared/`, to whom they are granted.
    #[serde(default)]
    pub public_account: Option<String>,
    /// The file this is from, to be read again on a signal; empty when there is none.
    #[serde(skip)]
    pub file: PathBuf,
}

/// Addresses to listen on, per service; an empty list is a service that is off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Mail from other servers, usually port 25.
    pub smtp: Vec<SocketAddr>,
    /// Mail from users, STARTTLS, usually port 587.
    pub submission: Vec<SocketAddr>,
    /// Mail from users, TLS from the start, usually port 465.
    pub submissions: Vec<SocketAddr>,
    /// IMAP with STARTTLS, usually port 143.
    pub imap: Vec<SocketAddr>,
    /// IMAP, TLS from the start, usually port 993.
    pub imaps: Vec<SocketAddr>,
    /// POP3 with STLS, usually port 110.
    pub pop3: Vec<SocketAddr>,
    /// POP3, TLS from the start, usually port 995.
    pub pop3s: Vec<SocketAddr>,
    /// Mail from a front server, usually port 24. Not for the open net.
    pub lmtp: Vec<SocketAddr>,
    /// Administration, health and metrics. Plain on addresses of the machine itself, TLS on others.
    pub http: Vec<SocketAddr>,
}

/// Limits. None of them can be switched off.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Octets of one message.
    #[serde(deserialize_with = "size")]
    pub message_size: u64,
    /// Connections at the same time, at each address under `[listen]`.
    #[serde(deserialize_with = "count")]
    pub connections: u32,
    /// Connections at the same time from one network, at each address under `[listen]`.
    #[serde(deserialize_with = "count")]
    pub connections_per_ip: u32,
    /// Recipients of one message.
    #[serde(deserialize_with = "count")]
    pub recipients: u32,
    /// Octets that mail leaves free on each disk it is on: below it, messages are refused for now.
    #[serde(deserialize_with = "size")]
    pub free_space: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: 50 << 20,
            connections: 10_000,
            connections_per_ip: 100,
            recipients: 1000,
            free_space: 100 << 20,
        }
    }
}

/// Why a configuration can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file can not be read.
    #[error("{}: {message}: name an existing file with --config", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        message: String,
    },
    /// The file can not be understood.
    #[error("{}:{line}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there and what to do.
        message: String,
    },
}

impl Config {
    /// A configuration that says nothing more than this: no port is open.
    pub fn new(hostname: impl Into<String>, data: impl Into<PathBuf>) -> Self {
        Self {
            hostname: hostname.into(),
            data: data.into(),
            listen: Listen::default(),
            tls: None,
            limits: Limits::default(),
            passwords: Passwords::default(),
            login: Login::default(),
            bans: Bans::default(),
            greylisting: Greylisting::default(),
            http: Http::default(),
            search: Search::default(),
            backups: None,
            run_as: None,
            proxies: Proxies::default(),
            retention: Retention::default(),
            pop3: Pop3::default(),
            public_account: None,
            file: PathBuf::new(),
        }
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), message: error.to_string() })?;
        Self::parse(&text, path)
    }

    /// Understands the text of a configuration file; `path` is for messages and for relative paths.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Invalid`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut config: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            let message = error.message().to_owned();
            ConfigError::Invalid { path: path.to_owned(), line, message }
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        config.data = base.join(&config.data);
        path.clone_into(&mut config.file);
        if let Some(backups) = &mut config.backups {
            backups.directory = base.join(&backups.directory);
        }
        if let Some(tls) = &mut config.tls {
            tls.complete(&config.hostname, base);
        }
        Ok(config)
    }
}

/// Understands a size in octets: `1048576`, `1024K`, `50M`, `2G`; the units are powers of 1024.
///
/// # Errors
///
/// Says what a size looks like.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (text.get(..text.len().saturating_sub(1)), 10),
        Some(b'm' | b'M') => (text.get(..text.len().saturating_sub(1)), 20),
        Some(b'g' | b'G') => (text.get(..text.len().saturating_sub(1)), 30),
        _ => (Some(text), 0),
    };
    digits
        .filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()))
        .and_then(|digits| digits.parse::<u64>().ok())
        .and_then(|number| number.checked_mul(1 << shift))
        // SQLite and files count to this.
        .filter(|size| i64::try_from(*size).is_ok())
        .ok_or_else(|| {
            format!("{text:?} is not a size: write octets, or a number with K, M or G, like \"50M\"")
        })
        .and_then(|size| if size == 0 { Err(ZERO.to_owned()) } else { Ok(size) })
}

fn hostname<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    crate::directory::normalise_domain(&name)
        .map_err(|error| D::Error::custom(format!("{error}; hostname is the DNS name of this server")))
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom(ZERO)),
        count => Ok(count),
    }
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Size;
    impl Visitor<'_> for Size {
        type Value = u64;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a size in octets, like 1048576 or \"50M\"")
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<u64, E> {
            parse_size(&value.to_string()).map_err(E::custom)
        }

        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<u64, E> {
            parse_size(value).map_err(E::custom)
        }
    }
    deserializer.deserialize_any(Size)
}

const ZERO: &str =
    "a limit of 0 would let nothing through: remove it for the default, or write a number above 0";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/etc/posthaste.toml")).map_err(|error| error.to_string())
    }

    const HEAD: &str = "hostname = \"Mail.Example.org\"\ndata = \"mail\"\n";

    #[test]
    fn the_smallest_file() {
        let config = parse(HEAD).unwrap();
        assert_eq!(config.hostname, "mail.example.org");
        assert_eq!(config.data, Path::new("/etc/mail"));
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.limits.message_size, 52_428_800);
        assert!(config.tls.is_none() && config.listen.smtp.is_empty());
    }

    #[test]
    fn a_full_file() {
        let config = parse(&format!(
            "{HEAD}[listen]\nsmtp = [\"[::1]:25\", \"127.0.0.1:25\"]\n[tls]\ncertificate = \"c\"\nkey = \"/k\"\n\
             [limits]\nmessage_size = \"2G\"\nrecipients = 7\n"
        ))
        .unwrap();
        assert_eq!(config.listen.smtp.len(), 2);
        assert_eq!(config.tls, Some(Tls::of_files("/etc/c".into(), "/k".into())));
        assert_eq!((config.limits.message_size, config.limits.recipients), (2 << 30, 7));
        assert_eq!(config.limits.connections, Limits::default().connections);
    }

    #[test]
    fn errors_name_the_line_and_the_remedy() {
        for (tail, wanted) in [
            ("[listen]\nsmpt = []\n", ["/etc/posthaste.toml:4:", "`smtp`"]),
            ("[listen]\nsmtp = [\"25\"]\n", [":4:", "socket address"]),
            ("[tls]\ncertificate = \"c\"\n", [":3:", "`key`"]),
            ("[limits]\n\nrecipients = 0\n", [":5:", "above 0"]),
            ("[passwords]\nargon2_memory = 8\n", [":4:", "from 19 to 256"]),
            ("[bans]\nminutes = 0\n", [":4:", "above 0"]),
            ("[bans]\nexempt = [\"x\"]\n", [":4:", "IP address"]),
            ("[backups]\nkeep = 3\n", [":3:", "`directory`"]),
            ("[limits]\nmessage_size = 0\n", [":4:", "above 0"]),
            ("[limits]\nmessage_size = -1\n", [":4:", "like \"50M\""]),
            ("[limits]\nmessage_size = \"50Q\"\n", [":4:", "like \"50M\""]),
            ("x = [", [":3:", ""]),
        ] {
            let error = parse(&format!("{HEAD}{tail}")).unwrap_err();
            assert!(wanted.iter().all(|part| error.contains(part)), "{error}");
        }
        let error = parse("hostname = \"a b\"\ndata = \"d\"\n").unwrap_err();
        assert!(error.contains(":1:") && error.contains("DNS name"), "{error}");
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("1"), Ok(1));
        assert_eq!(parse_size("3k"), Ok(3072));
        for bad in ["", "M", "0", "0G", "+1", "1.5M", "1MM", "99999999999G", "9223372036854775808"] {
            assert!(parse_size(bad).is_err(), "{bad:?}");
        }
    }
}
