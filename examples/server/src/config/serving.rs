//! The parts of the configuration that say how services are run: as whom, behind which proxies, how long things are
//! kept, and what POP3 does with what it was told to delete.

use posthaste_tokio::Network;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::directory::DELETED_OCTETS;
use crate::store::MailboxName;
use crate::store::sqlite::{Options, SearchIndex};

/// Whom the server runs as once its ports are open, where it was started by root.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunAs {
    /// The user.
    pub user: String,
    /// The group; that of the user where it is not said.
    #[serde(default)]
    pub group: Option<String>,
}

/// Proxies in front of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxies {
    /// Networks from which every connection begins with a PROXY header, as `"10.0.0.0/24"`. Nobody else is believed.
    #[serde(deserialize_with = "networks")]
    pub networks: Vec<Network>,
}

/// How long things are kept, and how much of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Days for which messages that were deleted can be had back.
    #[serde(deserialize_with = "super::count")]
    pub deleted_days: u32,
    /// Octets of them that are kept for an account without a quota; one with a quota has as much as that. The oldest
    /// go first.
    #[serde(deserialize_with = "super::size")]
    pub deleted_size: u64,
    /// Days for which can be looked up what became of each message.
    #[serde(deserialize_with = "super::count")]
    pub trace_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { deleted_days: 14, deleted_size: DELETED_OCTETS, trace_days: 30 }
    }
}

/// Searching in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// Whether what is in messages is indexed, in the background. The index takes about as much space as the text of
    /// the messages; without it each search reads them.
    pub index: bool,
}

impl Default for Search {
    fn default() -> Self {
        Self { index: true }
    }
}

impl Search {
    /// What the store is opened with.
    pub fn options(self) -> Options {
        Options { search: if self.index { SearchIndex::On } else { SearchIndex::Off } }
    }
}

/// What POP3 does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pop3 {
    /// Where messages go that a client deletes: a mailbox, made where it is missing. Without it they are deleted, and
    /// can be had back for `deleted_days`.
    #[serde(deserialize_with = "mailbox")]
    pub deleted_to: Option<MailboxName>,
    /// Whether a message that was fetched counts as read.
    pub mark_seen: bool,
    /// Seconds between two logins of one user, at least; any time where it is not said.
    #[serde(deserialize_with = "some_count")]
    pub login_delay: Option<u32>,
    /// Days for which messages are promised to stay, announced to clients; for ever where it is not said. Not 0: that
    /// tells clients that a message is gone as soon as it was fetched (RFC 2449 6.7), and none goes by itself here.
    #[serde(deserialize_with = "some_count")]
    pub expire_days: Option<u32>,
}

pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parse = |text: &String| {
        text.parse::<Network>().map_err(|error| {
            D::Error::custom(format!("{text:?}: {error}; write a network as \"10.0.0.0/24\" or an address"))
        })
    };
    texts.iter().map(parse).collect()
}

fn some_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    match u32::deserialize(deserializer)? {
        0 => Err(D::Error::custom(
            "0 is no number of seconds or days here: remove it, or write a number above 0",
        )),
        count => Ok(Some(count)),
    }
}

fn mailbox<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MailboxName>, D::Error> {
    let name = MailboxName::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)?;
    if name.is_inbox() {
        return Err(D::Error::custom("messages that POP3 deletes are in INBOX: name another mailbox"));
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn parse(tail: &str) -> Result<Config, String> {
        let text = format!("hostname = \"mail.test\"\ndata = \"d\"\n{tail}");
        Config::parse(&text, Path::new("x.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn p16_what_pop3_deletes_may_go_to_a_mailbox() {
        let config = parse("[pop3]\ndeleted_to = \"Archive/POP3\"\nlogin_delay = 60\n").unwrap();
        assert_eq!(config.pop3.deleted_to.unwrap().as_str(), "Archive/POP3");
        assert_eq!((config.pop3.login_delay, config.pop3.mark_seen), (Some(60), false));
        assert_eq!(parse("").unwrap().pop3, Pop3::default());
        for zero in ["login_delay", "expire_days"] {
            let error = parse(&format!("[pop3]\n{zero} = 0\n")).unwrap_err();
            assert!(error.contains("x.toml:4:") && error.contains("above 0"), "{error}");
        }
        for bad in ["inbox", "a//b", "a*"] {
            let error = parse(&format!("[pop3]\ndeleted_to = \"{bad}\"\n")).unwrap_err();
            assert!(error.contains("x.toml:4:"), "{error}");
        }
    }

    #[test]
    fn the_search_index_can_be_switched_off() {
        assert_eq!(parse("").unwrap().search.options(), Options::default());
        let off = parse("[search]\nindex = false\n").unwrap().search.options();
        assert_eq!(off.search, SearchIndex::Off);
    }

    #[test]
    fn proxies_retention_and_users() {
        let config = parse(
            "[proxies]\nnetworks = [\"10.0.0.0/24\", \"::1\"]\n[retention]\ndeleted_days = 3\ndeleted_size = \"2G\"\n[run_as]\nuser = \"mail\"\n",
        )
        .unwrap();
        assert_eq!(config.proxies.networks.len(), 2);
        let retention = Retention { deleted_days: 3, deleted_size: 2 << 30, trace_days: 30 };
        assert_eq!(config.retention, retention);
        assert_eq!(config.directory_options().deleted_octets, 2 << 30);
        assert_eq!(config.run_as, Some(RunAs { user: "mail".to_owned(), group: None }));
        assert!(parse("[proxies]\nnetworks = [\"ten\"]\n").unwrap_err().contains("10.0.0.0/24"));
        for zero in ["deleted_days", "deleted_size", "trace_days"] {
            assert!(parse(&format!("[retention]\n{zero} = 0\n")).unwrap_err().contains("above 0"), "{zero}");
        }
    }
}
