//! What is known of servers that are not what their capabilities say, as switches with names.
//!
//! A profile is chosen from the greeting, the capabilities and the answer to ID, and can be overridden in
//! [`Config`](crate::client::Config). Profiles only take away what a server announces or make the client say less; none
//! weakens TLS or lets a password out. How odd responses are read is not decided here: the codec reads all of them.

use crate::types::{Capability, IdParameters};
use core::time::Duration;

/// The kinds of server that need, or are known to need no, special care.
///
/// What their responses look like is in the second column; the parser overlooks all of that and says so in
/// [`Client::repairs`](crate::client::Client::repairs).
///
/// | peer | what it is known for |
/// | --- | --- |
/// | `Gmail` | codes without text (modern-email/defects#28), brackets in flags (MailKit#193), CHARSET refused where none is needed (io-imap#3) |
/// | `Exchange` | refuses CHARSET UTF-8 (himalaya#769), `[COPYUID ..]` without `* OK` (ruby/net-imap#250), a partial FETCH gives all (mail-api#370) |
/// | `ICloud` | QRESYNC and CONDSTORE half done (Mailspring-Sync#91, #141), BYE without text (ruby/net-imap#230) |
/// | `Yahoo` | a space behind the last number of SEARCH (imap_tools#97) |
/// | `Dovecot` | commands of more than 64 KiB are refused (imap-next#87) |
/// | `Courier` | `\Recent` in FLAGS (imapfilter#19) |
/// | `Qq` | descending sets are BAD (defects#40, himalaya#518, #572), a space before `)` (mail-api#209) |
/// | `NetEase` | "Unsafe Login" to SELECT without ID, SASL-IR announced and refused, `STATUS ()` (defects#15, #25) |
/// | `ProtonBridge` | refuses SPECIAL-USE (MailKit#674), 8-bit in quoted strings (defects#38) |
/// | `DavMail` | two spaces behind `*` (davmail#343, python/cpython#117152) |
/// | `Zoho` | `\*` outside of PERMANENTFLAGS (MailKit#771) |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names of products; the table says what of them")]
pub enum Peer {
    /// Nothing special is known.
    #[default]
    Unknown,
    Gmail,
    Exchange,
    ICloud,
    Yahoo,
    Dovecot,
    Courier,
    Qq,
    NetEase,
    ProtonBridge,
    DavMail,
    Zoho,
}

/// How a client treats a server beyond what it announces. Start from [`Quirks::default`] or [`Quirks::of`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// Capabilities that are taken as not announced, by their names: half-done extensions (Mailspring-Sync#91,
    /// cyrus-imapd#6071, nextcloud/mail#10581, james#909).
    pub ignored_capabilities: &'static [&'static str],
    /// Octets up to which a command is written in one piece by [`Client::split`](crate::client::Client::split), its
    /// set above all (nextcloud/mail#12487 4 KiB, trudesk#541, MailKit#834, roundcube#6875).
    pub command_octets_max: usize,
    /// Whether SEARCH says which charset its strings are in.
    pub charset: CharsetUse,
    /// Whether SELECT waits for ID.
    pub identification: Identification,
    /// After how long IDLE is renewed, where that is sooner than
    /// [`idle_renewal`](crate::client::ClientLimits::idle_renewal) (core#5093).
    pub idle_renewal_max: Option<Duration>,
}

/// Whether SEARCH names a charset for text that is not ASCII. ASCII never needs one, and under UTF8=ACCEPT or
/// IMAP4rev2 there is none (RFC 9755 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CharsetUse {
    /// `CHARSET UTF-8`; what the server says it takes where that is refused with BADCHARSET.
    #[default]
    Named,
    /// UTF-8 without saying so, to a server that refuses to hear of it (himalaya#769). It may find nothing then.
    Unnamed,
}

/// Whether a server opens a mailbox for a client that has not told who it is (RFC 2971 forbids that, and some do).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identification {
    /// As the application likes.
    #[default]
    Free,
    /// ID is sent behind the login, as [`Config::identity`](crate::client::Config::identity) says or else without
    /// parameters (163.com: "SELECT Unsafe Login").
    BeforeSelect,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            ignored_capabilities: &[],
            command_octets_max: COMMAND_OCTETS_MAX,
            charset: CharsetUse::Named,
            identification: Identification::Free,
            idle_renewal_max: None,
        }
    }
}

impl Quirks {
    /// The profile of `peer`.
    pub fn of(peer: Peer) -> Self {
        let plain = Self::default();
        match peer {
            Peer::Exchange => Self { charset: CharsetUse::Unnamed, ..plain },
            Peer::ICloud => Self { ignored_capabilities: &["QRESYNC", "CONDSTORE"], ..plain },
            Peer::Dovecot => Self { command_octets_max: 32_000, ..plain },
            Peer::NetEase => Self {
                ignored_capabilities: &["SASL-IR"],
                identification: Identification::BeforeSelect,
                ..plain
            },
            Peer::ProtonBridge => {
                Self { ignored_capabilities: &["SPECIAL-USE", "CREATE-SPECIAL-USE"], ..plain }
            }
            Peer::Unknown
            | Peer::Gmail
            | Peer::Yahoo
            | Peer::Courier
            | Peer::Qq
            | Peer::DavMail
            | Peer::Zoho => plain,
        }
    }

    pub(crate) fn ignores(&self, capability: &Capability) -> bool {
        self.ignored_capabilities.iter().any(|name| capability.is(name))
    }
}

impl Peer {
    /// Who greets like this; `None` where the text tells nothing.
    pub fn of_greeting(text: &[u8]) -> Option<Self> {
        WORDS.iter().find(|(word, _)| holds(text, word)).map(|(_, peer)| *peer)
    }

    /// Who announces this; `None` where the list tells nothing.
    pub fn of_capabilities(capabilities: &[Capability]) -> Option<Self> {
        let has = |name: &str| capabilities.iter().any(|capability| capability.is(name));
        match () {
            () if has("X-GM-EXT-1") => Some(Self::Gmail),
            () if has("XYMHIGHESTMODSEQ") => Some(Self::Yahoo),
            // QQ announces XAPPLEPUSHSERVICE, too, and greets with its name.
            () if has("XAPPLELITERAL") || has("X-APPLE-REMOTE-LINKS") => Some(Self::ICloud),
            () if has("CLIENTACCESSRULES") => Some(Self::Exchange),
            () => None,
        }
    }

    /// Who identifies itself like this; `None` where it tells nothing.
    pub fn of_id(parameters: &IdParameters) -> Option<Self> {
        let values = parameters.pairs().iter().filter(|(name, _)| {
            [&b"name"[..], b"vendor"].iter().any(|known| name.as_bytes().eq_ignore_ascii_case(known))
        });
        values.filter_map(|(_, value)| Self::of_greeting(value.as_ref()?.as_bytes())).next()
    }
}

/// Whether `word` stands in `text`, in any case.
fn holds(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// What greetings and identifications hold; the first that is found counts.
static WORDS: [(&str, Peer); 14] = [
    ("Gimap", Peer::Gmail),
    ("Microsoft Exchange", Peer::Exchange),
    ("QQMail", Peer::Qq),
    ("Coremail", Peer::NetEase),
    ("NetEase", Peer::NetEase),
    ("163com", Peer::NetEase),
    ("iscream", Peer::ICloud),
    ("Proton", Peer::ProtonBridge),
    ("DavMail", Peer::DavMail),
    ("Zoho", Peer::Zoho),
    ("Courier-IMAP", Peer::Courier),
    ("Dovecot", Peer::Dovecot),
    ("Yahoo", Peer::Yahoo),
    ("IMAP4rev1 Hello", Peer::Yahoo),
];

/// No server is known that refuses a line of this length.
const COMMAND_OCTETS_MAX: usize = 8_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_known_by_their_greetings() {
        for (text, peer) in [
            ("Gimap ready for requests from 192.0.2.1 5mb77", Some(Peer::Gmail)),
            ("The Microsoft Exchange IMAP4 service is ready. [QgBZ]", Some(Peer::Exchange)),
            ("(2428B47-26126cfe23cd) p00-iscream-f9f7bf749-qjr87", Some(Peer::ICloud)),
            ("IMAP4rev1 Hello", Some(Peer::Yahoo)),
            ("Dovecot ready.", Some(Peer::Dovecot)),
            ("Courier-IMAP ready. Copyright 1998-2011", Some(Peer::Courier)),
            ("QQMail XMIMAP4Server ready", Some(Peer::Qq)),
            ("Coremail System IMap Server Ready(163com[0])", Some(Peer::NetEase)),
            ("Welcome", None),
            ("", None),
        ] {
            assert_eq!(Peer::of_greeting(text.as_bytes()), peer, "{text}");
        }
    }

    #[test]
    fn no_profile_hides_what_protects() {
        use Peer::{
            Courier, DavMail, Dovecot, Exchange, Gmail, ICloud, NetEase, ProtonBridge, Qq, Unknown, Yahoo,
            Zoho,
        };
        let all = [
            Unknown,
            Gmail,
            Exchange,
            ICloud,
            Yahoo,
            Dovecot,
            Courier,
            Qq,
            NetEase,
            ProtonBridge,
            DavMail,
            Zoho,
        ];
        for peer in all {
            let quirks = Quirks::of(peer);
            for capability in [Capability::StartTls, Capability::LoginDisabled] {
                assert!(!quirks.ignores(&capability), "{peer:?}");
            }
        }
        assert!(Quirks::of(ICloud).ignores(&Capability::QResync));
        assert_eq!(Peer::of_capabilities(&[Capability::GmExt1]), Some(Gmail));
    }
}
