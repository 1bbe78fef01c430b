//! How mail programs find the server: what they are to be told, as documents over HTTP and as DNS records.
//!
//! All of it comes from the name of the server and the ports under `[listen]`. What only the machine itself reaches is
//! not told, unless proxies are configured, which then stand in front of it. Nothing is told without TLS: a port for
//! STARTTLS is told as one. `web` answers over HTTP, `documents` are the documents, `dns` the records.
//!
//! | who | what they look for |
//! | --- | --- |
//! | Thunderbird and others | `config-v1.1.xml` (draft-ietf-mailmaint-autoconfig) |
//! | Outlook | Autodiscover, plain XML (MS-OXDSCLI) |
//! | iPhones, Macs | a configuration profile, which somebody gives them |
//! | programs that look in DNS | SRV records (RFC 6186, RFC 8314) |

mod dns;
mod documents;
mod web;

use std::net::SocketAddr;

use crate::config::{Config, Listen};

pub use dns::{Record, Zone};
pub use web::routes;

/// What a program speaks to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Mailboxes.
    Imap,
    /// The maildrop.
    Pop3,
    /// Sending mail.
    Submission,
}

/// How a connection comes to have TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// It begins with it (RFC 8314 3).
    Implicit,
    /// By STARTTLS or STLS.
    StartTls,
}

/// A port that programs of users may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// What is spoken there.
    pub protocol: Protocol,
    /// How it comes to have TLS.
    pub tls: Tls,
    /// Its number.
    pub port: u16,
}

/// What the server offers to programs of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The name of the server.
    pub host: String,
    /// The ports, the best first: IMAP before POP3, TLS from the start before STARTTLS (RFC 8314 3).
    pub endpoints: Vec<Endpoint>,
}

impl Offer {
    /// What a configuration offers.
    pub fn of(config: &Config) -> Self {
        let Listen { submission, submissions, imap, imaps, pop3, pop3s, .. } = &config.listen;
        let endpoints = [
            (Protocol::Imap, Tls::Implicit, imaps),
            (Protocol::Imap, Tls::StartTls, imap),
            (Protocol::Pop3, Tls::Implicit, pop3s),
            (Protocol::Pop3, Tls::StartTls, pop3),
            (Protocol::Submission, Tls::Implicit, submissions),
            (Protocol::Submission, Tls::StartTls, submission),
        ];
        let endpoints = endpoints.into_iter().filter_map(|(protocol, tls, addresses)| {
            Some(Endpoint { protocol, tls, port: open_port(config, addresses)? })
        });
        Self { host: config.hostname.clone(), endpoints: endpoints.collect() }
    }

    /// Where mailboxes are read.
    fn incoming(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|endpoint| endpoint.protocol != Protocol::Submission)
    }

    /// Where mail is sent.
    fn outgoing(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|endpoint| endpoint.protocol == Protocol::Submission)
    }

    /// Whether a program can be set up with this: it can read and send.
    fn is_whole(&self) -> bool {
        self.incoming().next().is_some() && self.outgoing().next().is_some()
    }
}

/// The port of a service, where others than the machine itself reach it.
fn open_port(config: &Config, addresses: &[SocketAddr]) -> Option<u16> {
    let has_proxies = !config.proxies.networks.is_empty();
    let is_open = |address: &&SocketAddr| has_proxies || !address.ip().to_canonical().is_loopback();
    // A port that the system chooses is not known before, and is another one each time.
    addresses.iter().filter(is_open).map(SocketAddr::port).find(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn config(listen: &str) -> Config {
        let text = format!("hostname = \"mail.x.test\"\ndata = \"d\"\n{listen}");
        Config::parse(&text, std::path::Path::new("x.toml")).unwrap()
    }

    /// Every port there is.
    pub(super) const ALL: &str = "[listen]\nsmtp = [\"[::]:25\"]\nsubmission = [\"[::]:587\"]\n\
         submissions = [\"[::]:465\"]\nimap = [\"[::]:143\"]\nimaps = [\"[::]:993\"]\npop3 = [\"[::]:110\"]\n\
         pop3s = [\"[::]:995\"]\nhttp = [\"[::]:443\"]\n";

    #[test]
    fn p29_what_others_reach_is_offered_the_best_first() {
        let ports = |offer: Offer| offer.endpoints.iter().map(|one| one.port).collect::<Vec<_>>();
        assert_eq!(ports(Offer::of(&config(ALL))), [993, 143, 995, 110, 465, 587]);
        assert_eq!(ports(Offer::of(&config(""))), [0; 0]);
        let inside = "[listen]\nimaps = [\"127.0.0.1:993\", \"[::1]:993\", \"192.0.2.1:1993\"]\n\
                      submissions = [\"[::ffff:127.0.0.1]:465\"]\nimap = [\"[::]:0\"]\n";
        let offer = Offer::of(&config(inside));
        assert_eq!(offer.endpoints, [Endpoint { protocol: Protocol::Imap, tls: Tls::Implicit, port: 1993 }]);
        assert!(!offer.is_whole());
        let proxied = format!("{inside}[proxies]\nnetworks = [\"127.0.0.1\"]\n");
        let offer = Offer::of(&config(&proxied));
        assert!(offer.is_whole());
        assert_eq!(ports(offer), [993, 465]);
    }
}
