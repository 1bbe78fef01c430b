//! Where a server is and how its connection is protected: by parts, or as a URL.
//!
//! Decides the ports and the protection that each scheme stands for (RFC 8314, 6409, 2033). Host names of other
//! scripts become ASCII here (UTS #46). Does not look names up.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use posthaste_wire::Secret;
use url::{Host, Url};

use super::Credentials;

/// What is spoken with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// SMTP between servers (RFC 5321).
    Smtp,
    /// SMTP from a user to the first server (RFC 6409).
    Submission,
    /// LMTP, to the server that keeps the mail (RFC 2033).
    Lmtp,
    /// POP3 (RFC 1939).
    Pop3,
    /// IMAP (RFC 9051, 3501).
    Imap,
}

/// How a client's connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsMode {
    /// TLS from the first octet (RFC 8314 3).
    #[default]
    Implicit,
    /// STARTTLS or STLS, and nothing without it.
    StartTls,
    /// STARTTLS or STLS where it is offered. Whoever is in the path can take the offer away.
    StartTlsIfOffered,
    /// In the clear. Credentials are not sent, but over a socket of the same machine.
    Plain,
}

/// Where a server is: protocol, host or socket, port, protection, and perhaps who logs in.
///
/// ```
/// use posthaste_tokio::{Endpoint, Protocol, TlsMode};
///
/// let endpoint: Endpoint = "imaps://ursel:Geheim!@mail.example".parse()?;
/// assert_eq!(endpoint, Endpoint::new(Protocol::Imap, "mail.example")?.with_login("ursel", "Geheim!"));
/// assert_eq!((endpoint.port(), endpoint.tls()), (993, TlsMode::Implicit));
/// # Ok::<(), posthaste_tokio::EndpointError>(())
/// ```
///
/// | scheme | port | protection |
/// | --- | --- | --- |
/// | `smtp` | 25 | STARTTLS where it is offered |
/// | `smtps`, `submissions` | 465 | TLS from the first octet |
/// | `submission` | 587 | STARTTLS |
/// | `lmtp` | 24 | none; `lmtp:///run/lmtp.sock` is a socket of this machine |
/// | `pop3`, `pop` | 110 | STLS |
/// | `pop3s`, `pops` | 995 | TLS from the first octet |
/// | `imap` | 143 | STARTTLS |
/// | `imaps` | 993 | TLS from the first octet |
///
/// A name, and a password behind it, may stand before the host; octets that a URL cannot hold are written as `%` and two
/// digits. Where only the name is there, [credentials](crate::ClientOptions::credentials) have to bring the password.
/// Other parts of a URL are refused, not ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    protocol: Protocol,
    place: Place,
    port: Option<u16>,
    tls: TlsMode,
    login: Option<Login>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Host(String),
    Socket(PathBuf),
}

#[derive(Clone, Debug)]
struct Login {
    user: String,
    /// Where it is not known here, options bring it.
    password: Option<Secret>,
}

/// Why a text is no [`Endpoint`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// It is not a URL at all.
    #[error("not a URL: {0}")]
    Url(#[from] url::ParseError),
    /// The scheme is none of those in the table at [`Endpoint`].
    #[error(
        "unknown scheme {0:?}: give one of smtp, smtps, submission, submissions, lmtp, pop3, pop3s, imap, imaps"
    )]
    Scheme(String),
    /// There is no host, or what stands there is neither a name nor an address.
    #[error("{0:?} is not a host name or address")]
    Host(String),
    /// The URL has a part that means nothing here.
    #[error("the URL has a {0}, which means nothing for a mail server")]
    Unused(&'static str),
    /// A password without a name, or either is not UTF-8.
    #[error("a login needs a name, and name and password have to be UTF-8")]
    Login,
}

impl Endpoint {
    /// The server of this protocol at `host`, a name or an address, at the port and with the protection that are
    /// usual: TLS from the first octet, STARTTLS where it is offered for [`Protocol::Smtp`], and none for
    /// [`Protocol::Lmtp`].
    ///
    /// # Errors
    ///
    /// [`EndpointError::Host`].
    pub fn new(protocol: Protocol, host: &str) -> Result<Self, EndpointError> {
        let tls = match protocol {
            Protocol::Smtp => TlsMode::StartTlsIfOffered,
            Protocol::Lmtp => TlsMode::Plain,
            Protocol::Submission | Protocol::Pop3 | Protocol::Imap => TlsMode::Implicit,
        };
        Ok(Self { protocol, place: Place::Host(normal_host(host)?), port: None, tls, login: None })
    }

    /// The server of this protocol behind a socket of this machine, which needs no protection.
    pub fn socket(protocol: Protocol, path: impl Into<PathBuf>) -> Self {
        Self { protocol, place: Place::Socket(path.into()), port: None, tls: TlsMode::Plain, login: None }
    }

    /// The same, protected like this. The port follows, unless one was given.
    #[must_use]
    pub fn with_tls(self, tls: TlsMode) -> Self {
        Self { tls, ..self }
    }

    /// The same at another port.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }

    /// The same, logging in with a password. Options that hold credentials go before.
    #[must_use]
    pub fn with_login(self, user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { login: Some(Login { user: user.into(), password: Some(password.into()) }), ..self }
    }

    /// The same with the name of somebody whose password is not known here. A client needs credentials then: it does not
    /// go on as nobody.
    ///
    /// ```
    /// use posthaste_tokio::{ClientOptions, Credentials, Endpoint};
    ///
    /// let endpoint: Endpoint = "imaps://ursel@mail.example".parse()?;
    /// let mut options = ClientOptions::default();
    /// options.credentials = endpoint.user().map(|user| Credentials::new(user, "Geheim!"));
    /// # Ok::<(), posthaste_tokio::EndpointError>(())
    /// ```
    #[must_use]
    pub fn with_user(self, user: impl Into<String>) -> Self {
        Self { login: Some(Login { user: user.into(), password: None }), ..self }
    }

    /// What is spoken.
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// How the connection is protected.
    pub const fn tls(&self) -> TlsMode {
        self.tls
    }

    /// The host name in ASCII or the address; `None` for a socket of this machine.
    pub fn host(&self) -> Option<&str> {
        match &self.place {
            Place::Host(host) => Some(host),
            Place::Socket(_) => None,
        }
    }

    /// The path of a socket of this machine.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Host(_) => None,
            Place::Socket(path) => Some(path),
        }
    }

    /// The port: the one given, or the one registered for the protocol and its protection.
    pub const fn port(&self) -> u16 {
        if let Some(port) = self.port {
            return port;
        }
        let implicit = matches!(self.tls, TlsMode::Implicit);
        match self.protocol {
            Protocol::Smtp | Protocol::Submission if implicit => 465,
            Protocol::Smtp => 25,
            Protocol::Submission => 587,
            Protocol::Lmtp => 24,
            Protocol::Pop3 if implicit => 995,
            Protocol::Pop3 => 110,
            Protocol::Imap if implicit => 993,
            Protocol::Imap => 143,
        }
    }

    /// Who logs in, where that was named.
    pub fn user(&self) -> Option<&str> {
        self.login.as_ref().map(|login| login.user.as_str())
    }

    /// Whether the password is in here, too.
    pub fn has_password(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.password.is_some())
    }

    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let login = self.login.as_ref()?;
        Some(Credentials::new(login.user.as_str(), login.password.clone()?))
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let url: Url = text.parse()?;
        let (protocol, tls) = match url.scheme() {
            "smtp" => (Protocol::Smtp, TlsMode::StartTlsIfOffered),
            "smtps" | "submissions" => (Protocol::Submission, TlsMode::Implicit),
            "submission" => (Protocol::Submission, TlsMode::StartTls),
            "lmtp" => (Protocol::Lmtp, TlsMode::Plain),
            "pop3" | "pop" => (Protocol::Pop3, TlsMode::StartTls),
            "pop3s" | "pops" => (Protocol::Pop3, TlsMode::Implicit),
            "imap" => (Protocol::Imap, TlsMode::StartTls),
            "imaps" => (Protocol::Imap, TlsMode::Implicit),
            other => return Err(EndpointError::Scheme(other.to_owned())),
        };
        if url.query().is_some() {
            return Err(EndpointError::Unused("query"));
        }
        if url.fragment().is_some() {
            return Err(EndpointError::Unused("fragment"));
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() && protocol == Protocol::Lmtp && url.path().len() > 1 {
            return Ok(Self::socket(protocol, decoded(url.path())?));
        }
        if !matches!(url.path(), "" | "/") {
            return Err(EndpointError::Unused("path"));
        }
        let mut endpoint = Self { port: url.port(), ..Self::new(protocol, &decoded(host)?)?.with_tls(tls) };
        match (url.username(), url.password()) {
            ("", None) => {}
            ("", Some(_)) => return Err(EndpointError::Login),
            (user, None) => endpoint = endpoint.with_user(decoded(user)?),
            (user, Some(password)) => {
                endpoint = endpoint.with_login(decoded(user)?, decoded(password)?.into_bytes());
            }
        }
        Ok(endpoint)
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: &str) -> Result<Self, EndpointError> {
        text.parse()
    }
}

/// Host and port, or the path: what a person looks for when something is wrong. Never the login.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Host(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port()),
            Place::Host(host) => write!(f, "{host}:{}", self.port()),
            Place::Socket(path) => path.display().fmt(f),
        }
    }
}

impl PartialEq for Login {
    fn eq(&self, other: &Self) -> bool {
        let password = |login: &Self| login.password.as_ref().map(|password| password.expose().to_vec());
        self.user == other.user && password(self) == password(other)
    }
}

impl Eq for Login {}

/// A host as certificates and resolvers want it: ASCII, without brackets and without a last dot.
fn normal_host(host: &str) -> Result<String, EndpointError> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let literal = match bare {
        Some(address) => format!("[{address}]"),
        None if host.contains(':') => format!("[{host}]"),
        None => host.strip_suffix('.').unwrap_or(host).to_owned(),
    };
    match Host::parse(&literal).map_err(|_| EndpointError::Host(host.to_owned()))? {
        Host::Domain(name) => Ok(name),
        Host::Ipv4(address) => Ok(address.to_string()),
        Host::Ipv6(address) => Ok(address.to_string()),
    }
}

fn decoded(text: &str) -> Result<String, EndpointError> {
    let octets = percent_encoding::percent_decode_str(text);
    octets.decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| EndpointError::Login)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn a_scheme_stands_for_a_port_and_a_protection() {
        use Protocol::{Imap, Lmtp, Pop3, Smtp, Submission};
        use TlsMode::{Implicit, Plain, StartTls, StartTlsIfOffered};
        for (scheme, protocol, port, tls) in [
            ("smtp", Smtp, 25, StartTlsIfOffered),
            ("smtps", Submission, 465, Implicit),
            ("submissions", Submission, 465, Implicit),
            ("submission", Submission, 587, StartTls),
            ("lmtp", Lmtp, 24, Plain),
            ("pop", Pop3, 110, StartTls),
            ("pop3", Pop3, 110, StartTls),
            ("pop3s", Pop3, 995, Implicit),
            ("imap", Imap, 143, StartTls),
            ("imaps", Imap, 993, Implicit),
        ] {
            let found = endpoint(&format!("{scheme}://mail.example"));
            assert_eq!((found.protocol(), found.port(), found.tls()), (protocol, port, tls), "{scheme}");
            assert_eq!(endpoint(&format!("{scheme}://mail.example:2525/")).port(), 2525);
        }
    }

    #[test]
    fn the_port_follows_the_protection_unless_it_was_given() {
        let imap = Endpoint::new(Protocol::Imap, "mail.example").unwrap();
        assert_eq!(imap.clone().with_tls(TlsMode::StartTls).port(), 143);
        assert_eq!(imap.with_port(1430).with_tls(TlsMode::StartTls).port(), 1430);
    }

    #[test]
    fn hosts_are_names_in_ascii_or_addresses() {
        assert_eq!(endpoint("imaps://b%C3%BCcher.example").host(), Some("xn--bcher-kva.example"));
        assert_eq!(endpoint("imaps://bücher.example.").host(), Some("xn--bcher-kva.example"));
        assert_eq!(endpoint("imaps://MAIL.Example").host(), Some("mail.example"));
        assert_eq!(endpoint("smtp://192.0.2.1").host(), Some("192.0.2.1"));
        assert_eq!(endpoint("smtp://[2001:db8::1]:26").to_string(), "[2001:db8::1]:26");
        assert_eq!(Endpoint::new(Protocol::Smtp, "2001:db8::1").unwrap().host(), Some("2001:db8::1"));
        for host in ["", "a b", "a/b", "[::1", "x\r\ny", "a@b"] {
            let refused = Endpoint::new(Protocol::Smtp, host);
            assert!(matches!(refused, Err(EndpointError::Host(_))), "{host:?}: {refused:?}");
        }
    }

    #[test]
    fn a_login_is_decoded_and_not_printed() {
        let found = endpoint("imaps://ursel%40mail.example:p%3A%2F%20@mail.example");
        assert_eq!(
            found,
            Endpoint::new(Protocol::Imap, "mail.example").unwrap().with_login("ursel@mail.example", "p:/ ")
        );
        assert!(!format!("{found:?} {found}").contains("p:/"));
        assert_eq!("imaps://:Geheim!@mail.example".parse::<Endpoint>(), Err(EndpointError::Login));
        assert_eq!("imaps://%ff@mail.example".parse::<Endpoint>(), Err(EndpointError::Login));
        assert_eq!("imaps://a:%ff@mail.example".parse::<Endpoint>(), Err(EndpointError::Login));
    }

    #[test]
    fn a_name_may_be_there_without_its_password() {
        let found = endpoint("imaps://ursel%40mail.example@mail.example");
        assert_eq!((found.user(), found.has_password()), (Some("ursel@mail.example"), false));
        assert!(found.credentials().is_none());
        let plain = Endpoint::new(Protocol::Imap, "mail.example").unwrap();
        assert_eq!(found, plain.clone().with_user("ursel@mail.example"));
        assert_ne!(found, plain.clone().with_login("ursel@mail.example", ""));
        assert_eq!((plain.user(), plain.has_password()), (None, false));
        let whole = endpoint("imaps://ursel:Geheim!@mail.example");
        assert_eq!((whole.user(), whole.has_password()), (Some("ursel"), true));
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        for (text, part) in [
            ("imaps://mail.example/INBOX", "path"),
            ("imaps://mail.example?tls=no", "query"),
            ("imaps://mail.example#x", "fragment"),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(EndpointError::Unused(part)));
        }
        assert!(matches!("https://mail.example".parse::<Endpoint>(), Err(EndpointError::Scheme(_))));
        assert!(matches!("mail.example".parse::<Endpoint>(), Err(EndpointError::Url(_))));
        assert!(matches!("imaps:///x".parse::<Endpoint>(), Err(EndpointError::Unused("path"))));
        assert!(matches!("imaps://".parse::<Endpoint>(), Err(EndpointError::Host(_))));
    }

    #[test]
    fn lmtp_may_be_behind_a_socket_of_the_machine() {
        let found = endpoint("lmtp:///run/dovecot/lmtp%20x");
        assert_eq!(found.path(), Some(Path::new("/run/dovecot/lmtp x")));
        assert_eq!((found.host(), found.to_string().as_str()), (None, "/run/dovecot/lmtp x"));
    }
}
