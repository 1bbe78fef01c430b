//! The part of the configuration that says which certificates the server shows: those of files, or those it orders for
//! itself from an authority (RFC 8555).
//!
//! ```toml
//! [tls.acme]
//! accept_terms = true
//! hosts = ["mail.example.org", "imap.example.org"]
//! contact = ["postmaster@example.org"]
//! ```

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use url::Url;

use super::Config;
use crate::directory::{Address, normalise_domain};

/// The certificates of the server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Table")]
pub struct Tls {
    /// Where the certificate comes from that is for everybody.
    pub source: CertificateSource,
    /// More certificates, chosen by the name a client asks for; the one above is for those who ask for another.
    pub others: Vec<Certificate>,
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// Files that somebody else looks after.
    Files(Certificate),
    /// An authority, which the server asks for it and for its renewal.
    Acme(Acme),
}

/// PEM files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The certificate of the server, then those of its issuers.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// An authority that is asked for a certificate, and what for (RFC 8555).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "AcmeTable")]
pub struct Acme {
    /// The URL of its directory (RFC 8555 7.1.1); that of Let's Encrypt when not said.
    pub directory: Url,
    /// Whom the authority may write to.
    pub contact: Vec<Address>,
    /// The names the certificate is for; `hostname` alone when not said. Never empty once a file was read.
    pub hosts: Vec<String>,
    /// PEM file of the certificates that the authority's own is verified with; those of public authorities when not
    /// said.
    pub roots: Option<PathBuf>,
    /// Where the authority's question is answered (RFC 8555 8.3). It comes to port 80 of each host.
    pub listen: Vec<SocketAddr>,
}

impl Config {
    /// The authority that is asked for certificates, if one is.
    pub fn acme(&self) -> Option<&Acme> {
        self.tls.as_ref()?.acme()
    }
}

impl Tls {
    /// The certificate of two files, and no others.
    pub const fn of_files(certificate: PathBuf, key: PathBuf) -> Self {
        let source = CertificateSource::Files(Certificate { certificate, key });
        Self { source, others: Vec::new() }
    }

    /// The authority that is asked for certificates, if one is.
    pub const fn acme(&self) -> Option<&Acme> {
        match &self.source {
            CertificateSource::Acme(acme) => Some(acme),
            CertificateSource::Files(_) => None,
        }
    }

    /// The pairs of files there are, the one for everybody first.
    pub fn files(&self) -> impl Iterator<Item = &Certificate> {
        let first = match &self.source {
            CertificateSource::Files(files) => Some(files),
            CertificateSource::Acme(_) => None,
        };
        first.into_iter().chain(&self.others)
    }

    /// Fills in what depends on the rest of the configuration: relative paths count from `base`.
    pub(super) fn complete(&mut self, hostname: &str, base: &Path) {
        let absolute = |files: &mut Certificate| {
            files.certificate = base.join(&files.certificate);
            files.key = base.join(&files.key);
        };
        self.others.iter_mut().for_each(absolute);
        match &mut self.source {
            CertificateSource::Files(files) => absolute(files),
            CertificateSource::Acme(acme) => {
                if acme.hosts.is_empty() {
                    acme.hosts.push(hostname.to_owned());
                }
                if let Some(roots) = &mut acme.roots {
                    *roots = base.join(&roots);
                }
            }
        }
    }
}

/// `[tls]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    acme: Option<Acme>,
    #[serde(default)]
    others: Vec<Certificate>,
}

impl TryFrom<Table> for Tls {
    type Error = &'static str;

    fn try_from(table: Table) -> Result<Self, Self::Error> {
        let source = match (table.certificate, table.key, table.acme) {
            (Some(certificate), Some(key), None) => {
                CertificateSource::Files(Certificate { certificate, key })
            }
            (None, None, Some(acme)) => CertificateSource::Acme(acme),
            (Some(_), None, None) => return Err("missing field `key`: name the file of the private key"),
            (None, Some(_), None) => {
                return Err("missing field `certificate`: name the file of the certificate");
            }
            (None, None, None) => {
                return Err("name the files `certificate` and `key`, or have [tls.acme] get a certificate");
            }
            (_, _, Some(_)) => {
                return Err("there are files and [tls.acme]: keep one of the two, for [tls.acme] replaces \
                            `certificate` and `key`");
            }
        };
        Ok(Self { source, others: table.others })
    }
}

/// `[tls.acme]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AcmeTable {
    #[serde(default = "lets_encrypt", deserialize_with = "directory")]
    directory: Url,
    #[serde(default, deserialize_with = "contact")]
    contact: Vec<Address>,
    #[serde(default, deserialize_with = "hosts")]
    hosts: Vec<String>,
    #[serde(default, deserialize_with = "acceptance")]
    accept_terms: bool,
    roots: Option<PathBuf>,
    #[serde(default = "http", deserialize_with = "listen")]
    listen: Vec<SocketAddr>,
}

impl TryFrom<AcmeTable> for Acme {
    type Error = &'static str;

    fn try_from(table: AcmeTable) -> Result<Self, Self::Error> {
        let AcmeTable { directory, contact, hosts, accept_terms, roots, listen } = table;
        if !accept_terms {
            return Err(TERMS);
        }
        Ok(Self { directory, contact, hosts, roots, listen })
    }
}

fn acceptance<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    if bool::deserialize(from)? { Ok(true) } else { Err(D::Error::custom(TERMS)) }
}

/// RFC 8555 6.1: nothing is asked of an authority but over HTTPS.
fn directory<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    let text = String::deserialize(from)?;
    Url::parse(&text).ok().filter(|url| url.scheme() == "https" && url.has_host()).ok_or_else(|| {
        D::Error::custom(format!(
            "{text:?} is no URL that begins with https://: the authority says which it is"
        ))
    })
}

fn contact<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
    let address = |text: &String| {
        Address::parse(text)
            .map_err(|error| D::Error::custom(format!("{text:?} is no address of mail: {error}")))
    };
    Vec::<String>::deserialize(from)?.iter().map(address).collect()
}

fn hosts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    if texts.is_empty() {
        return Err(D::Error::custom("name the hosts, or remove it for `hostname` alone"));
    }
    let mut hosts = Vec::new();
    for text in texts {
        if text.starts_with("*.") {
            return Err(D::Error::custom(format!(
                "{text:?} is a wildcard, which can not be shown to be this server: name each host"
            )));
        }
        let host = normalise_domain(&text).ok().filter(|host| host.parse::<IpAddr>().is_err());
        let host = host.ok_or_else(|| D::Error::custom(format!("{text:?} is no DNS name in ASCII")))?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    Ok(hosts)
}

fn listen<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<SocketAddr>, D::Error> {
    let addresses = Vec::deserialize(from)?;
    if addresses.is_empty() {
        return Err(D::Error::custom(
            "without an address the authority can not see that a host is this one: remove it for port 80",
        ));
    }
    Ok(addresses)
}

#[expect(clippy::expect_used, reason = "a constant, which a test reads")]
fn lets_encrypt() -> Url {
    Url::parse(LETS_ENCRYPT).expect("this is a URL")
}

fn http() -> Vec<SocketAddr> {
    vec![(Ipv6Addr::UNSPECIFIED, HTTP_PORT).into()]
}

const TERMS: &str = "an authority gives certificates to those who accept its terms of service: read them, and write \
                     `accept_terms = true`";

/// The directory of Let's Encrypt.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Where an authority asks (RFC 8555 8.3).
pub(super) const HTTP_PORT: u16 = 80;

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(tail: &str) -> Result<Config, String> {
        let text = format!("hostname = \"mail.x.test\"\ndata = \"d\"\n{tail}");
        Config::parse(&text, Path::new("/etc/x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn u25_an_authority_is_asked_for_the_name_of_the_server_where_no_more_is_said() {
        let tls = parse("[tls.acme]\naccept_terms = true\n").unwrap().tls.unwrap();
        let acme = tls.acme().unwrap();
        assert_eq!(acme.directory.as_str(), LETS_ENCRYPT);
        assert_eq!(acme.hosts, ["mail.x.test"]);
        assert_eq!(acme.listen, ["[::]:80".parse().unwrap()]);
        assert!(acme.contact.is_empty() && acme.roots.is_none() && tls.files().next().is_none());
    }

    #[test]
    fn u25_all_that_can_be_said_of_an_authority() {
        let config = parse(
            "[tls.acme]\naccept_terms = true\ndirectory = \"https://ca.x.test/acme/acme/directory\"\n\
             contact = [\"postmaster@x.test\"]\nhosts = [\"Mail.X.test\", \"imap.x.test\", \"mail.x.test\"]\n\
             roots = \"ca.pem\"\nlisten = [\"127.0.0.1:8081\"]\n[[tls.others]]\ncertificate = \"c\"\nkey = \"k\"\n",
        );
        let tls = config.unwrap().tls.unwrap();
        let acme = tls.acme().unwrap();
        assert_eq!(acme.directory.host_str(), Some("ca.x.test"));
        assert_eq!(acme.hosts, ["mail.x.test", "imap.x.test"]);
        assert_eq!(acme.roots.as_deref(), Some(Path::new("/etc/ca.pem")));
        assert_eq!(tls.files().next().unwrap().key, Path::new("/etc/k"));
    }

    #[test]
    fn cfg_01_what_is_wrong_with_certificates_is_named_with_its_line() {
        let accepted = "[tls.acme]\naccept_terms = true\n";
        for (tail, line, part) in [
            ("[tls]\n", 3, "[tls.acme]"),
            ("[tls]\ncertificate = \"c\"\n", 3, "`key`"),
            ("[tls]\nkey = \"c\"\n", 3, "`certificate`"),
            ("[tls]\nkey = \"c\"\n[tls.acme]\naccept_terms = true\n", 3, "one of the two"),
            ("[tls.acme]\n", 3, "accept_terms = true"),
            ("\n[tls.acme]\naccept_terms = false\n", 5, "accept_terms = true"),
            ("[tls.acme]\naccept_term = true\n", 4, "`accept_terms`"),
            (&format!("{accepted}directory = \"http://ca.x.test/\"\n"), 5, "https://"),
            (&format!("{accepted}directory = \"ca.x.test\"\n"), 5, "https://"),
            (&format!("{accepted}contact = [\"postmaster\"]\n"), 5, "postmaster"),
            (&format!("{accepted}hosts = []\n"), 5, "hosts"),
            (&format!("{accepted}hosts = [\"*.x.test\"]\n"), 5, "wildcard"),
            (&format!("{accepted}hosts = [\"a b\"]\n"), 5, "a b"),
            (&format!("{accepted}hosts = [\"192.0.2.1\"]\n"), 5, "DNS name"),
            (&format!("{accepted}listen = []\n"), 5, "port 80"),
            (&format!("{accepted}listen = [\"80\"]\n"), 5, "socket address"),
        ] {
            let error = parse(tail).unwrap_err();
            assert!(error.contains(&format!("x.toml:{line}:")) && error.contains(part), "{tail}: {error}");
        }
    }
}
