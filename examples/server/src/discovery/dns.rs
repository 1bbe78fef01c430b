//! The DNS records that an administrator publishes for a domain (RFC 5321 5.1, RFC 6186, RFC 8314 5.1, RFC 7672).
//!
//! Only what the server knows to be so: addresses of the machine are not here, and neither is anything about mail that
//! is sent to others (SPF, DKIM, DMARC), since this server sends none.

use std::fmt;

use posthaste_tokio::tls::Pin;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;

use super::{Offer, Protocol, Tls, open_port};
use crate::config::{CertificateSource, Config};

/// A record, as in a zone file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Whose, with a dot at the end.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it says.
    pub value: String,
    /// What is to be known before it is published; empty when nothing is.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub note: &'static str,
}

/// What is to be published for a domain. Displayed as lines of a zone file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Zone {
    /// The records.
    pub records: Vec<Record>,
    /// What cannot be said here.
    pub notes: Vec<String>,
}

impl Zone {
    /// What a server with this configuration has published for a domain. Reads the certificate, for TLSA.
    pub fn of(config: &Config, domain: &str) -> Self {
        let mut records = Vec::new();
        let takes_mail = open_port(config, &config.listen.smtp);
        let host = &config.hostname;
        if takes_mail.is_some() {
            records.push(record(format!("{domain}."), "MX", format!("10 {host}."), ""));
        }
        records.extend(services(&Offer::of(config), domain));
        if !config.listen.http.is_empty() {
            for name in ["autoconfig", "autodiscover"] {
                records.push(record(format!("{name}.{domain}."), "CNAME", format!("{host}."), WEB));
            }
            let name = format!("_autodiscover._tcp.{domain}.");
            records.push(record(name, "SRV", format!("0 0 443 {host}."), WEB_OF_HOST));
        }
        let mut notes = vec![format!(
            "{host} needs A and AAAA records with the addresses of this machine, and they a PTR record with its name."
        )];
        match takes_mail.and_then(|port| Some((port, public_key(config)?))) {
            // Mail comes to port 25, whatever it is called behind a proxy.
            Some((25, Ok(hash))) => {
                records.push(record(format!("_25._tcp.{host}."), "TLSA", format!("3 1 1 {hash}"), DANE));
            }
            Some((_, Err(error))) => notes.push(format!("No TLSA record: {error}.")),
            Some((_, Ok(_))) | None => {}
        }
        notes.push(
            "No SPF, DKIM or DMARC: this server sends no mail to others. Whoever sends for the domain has to say so."
                .to_owned(),
        );
        if takes_mail.is_none() {
            notes.push("No MX record: [listen] smtp has no address that other servers reach.".to_owned());
        }
        Self { records, notes }
    }
}

/// One record for each service, also for those that there are not: programs need not try them (RFC 6186 3.4).
fn services(offer: &Offer, domain: &str) -> impl Iterator<Item = Record> {
    SERVICES.into_iter().map(move |(label, protocol, tls, priority)| {
        let is_it = |one: &&super::Endpoint| one.protocol == protocol && one.tls == tls;
        let value = match offer.endpoints.iter().find(is_it) {
            Some(endpoint) => format!("{priority} 1 {} {}.", endpoint.port, offer.host),
            None => "0 0 0 .".to_owned(),
        };
        record(format!("{label}._tcp.{domain}."), "SRV", value, "")
    })
}

/// The hash of the public key, in hexadecimal digits; `None` where the server makes its certificate itself.
fn public_key(config: &Config) -> Option<Result<String, String>> {
    let path = match &config.tls.as_ref()?.source {
        CertificateSource::Files(files) => &files.certificate,
        CertificateSource::Acme(_) => return Some(Err(ORDERED.to_owned())),
    };
    let failed = |error: &dyn fmt::Display| format!("{}: {error}", path.display());
    let pin = CertificateDer::from_pem_file(path)
        .map_err(|error| failed(&error))
        .and_then(|certificate| Pin::of_public_key(&certificate).map_err(|error| failed(&error)));
    Some(pin.map(|pin| match pin {
        Pin::PublicKey(hash) | Pin::Certificate(hash) => {
            hash.iter().map(|octet| format!("{octet:02x}")).collect()
        }
        _ => String::new(),
    }))
}

/// Why there is no hash of a key that is not the administrator's.
const ORDERED: &str = "certificates that are ordered by ACME come with a new key each time";

const fn record(name: String, kind: &'static str, value: String, note: &'static str) -> Record {
    Record { name, kind, value, note }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.records.iter().map(|record| record.name.len()).max().unwrap_or_default();
        let mut told = "";
        for Record { name, kind, value, note } in &self.records {
            if !note.is_empty() && *note != told {
                writeln!(f, "; {note}:")?;
                told = note;
            }
            writeln!(f, "{name:width$} IN {kind:5} {value}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "; {note}"))
    }
}

/// The services, the preferred ones with the lower number: IMAP before POP3, TLS from the start before STARTTLS.
const SERVICES: [(&str, Protocol, Tls, u8); 6] = [
    ("_imaps", Protocol::Imap, Tls::Implicit, 0),
    ("_imap", Protocol::Imap, Tls::StartTls, 5),
    ("_pop3s", Protocol::Pop3, Tls::Implicit, 10),
    ("_pop3", Protocol::Pop3, Tls::StartTls, 15),
    ("_submissions", Protocol::Submission, Tls::Implicit, 0),
    ("_submission", Protocol::Submission, Tls::StartTls, 5),
];

const WEB: &str = "If HTTPS is answered under these names, by [listen] http or a web server in front, with a certificate for them";

const WEB_OF_HOST: &str = "If HTTPS is answered at port 443 of this machine";

const DANE: &str = "If the zone of this name is signed (DNSSEC), and for as long as the key stays when the certificate is renewed";

#[cfg(test)]
mod tests {
    use super::super::tests::{ALL, config};
    use super::*;

    fn lines(config: &Config) -> Vec<String> {
        let shown = Zone::of(config, "x.test").to_string();
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        shown.lines().filter(|line| !line.starts_with(';')).map(squeezed).collect()
    }

    #[test]
    fn p29_the_records_are_those_of_the_open_ports() {
        assert_eq!(
            lines(&config(ALL)),
            [
                "x.test. IN MX 10 mail.x.test.",
                "_imaps._tcp.x.test. IN SRV 0 1 993 mail.x.test.",
                "_imap._tcp.x.test. IN SRV 5 1 143 mail.x.test.",
                "_pop3s._tcp.x.test. IN SRV 10 1 995 mail.x.test.",
                "_pop3._tcp.x.test. IN SRV 15 1 110 mail.x.test.",
                "_submissions._tcp.x.test. IN SRV 0 1 465 mail.x.test.",
                "_submission._tcp.x.test. IN SRV 5 1 587 mail.x.test.",
                "autoconfig.x.test. IN CNAME mail.x.test.",
                "autodiscover.x.test. IN CNAME mail.x.test.",
                "_autodiscover._tcp.x.test. IN SRV 0 0 443 mail.x.test.",
            ]
        );
    }

    #[test]
    fn p29_what_there_is_not_is_said_to_be_missing() {
        let config = config("[listen]\nsmtp = [\"127.0.0.1:25\"]\nimaps = [\"[::]:993\"]\n");
        assert_eq!(
            lines(&config),
            [
                "_imaps._tcp.x.test. IN SRV 0 1 993 mail.x.test.",
                "_imap._tcp.x.test. IN SRV 0 0 0 .",
                "_pop3s._tcp.x.test. IN SRV 0 0 0 .",
                "_pop3._tcp.x.test. IN SRV 0 0 0 .",
                "_submissions._tcp.x.test. IN SRV 0 0 0 .",
                "_submission._tcp.x.test. IN SRV 0 0 0 .",
            ]
        );
        let notes = Zone::of(&config, "x.test").to_string();
        assert!(notes.contains("No MX record") && notes.contains("No SPF"), "{notes}");
    }

    #[test]
    fn p29_tlsa_is_the_hash_of_the_public_key() {
        let files = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["mail.x.test".to_owned()]).unwrap();
        let tls = format!("{ALL}[tls]\ncertificate = {:?}\nkey = \"k\"\n", files.path().join("c.pem"));
        let missing = Zone::of(&config(&tls), "x.test");
        assert!(missing.notes.iter().any(|note| note.contains("No TLSA") && note.contains("c.pem")));
        std::fs::write(files.path().join("c.pem"), made.cert.pem()).unwrap();
        let zone = Zone::of(&config(&tls), "x.test");
        let record = zone.records.iter().find(|record| record.kind == "TLSA").unwrap();
        let Ok(Pin::PublicKey(hash)) = Pin::of_public_key(made.cert.der()) else { panic!() };
        let hex: String = hash.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            (record.name.as_str(), record.value.clone()),
            ("_25._tcp.mail.x.test.", format!("3 1 1 {hex}"))
        );
    }
}
