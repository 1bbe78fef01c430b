//! What is done where a server does not take the form that was asked for.
//!
//! Only where the result is the same or the application can tell the difference: it is told by
//! [`Event::Fallback`](crate::client::Event::Fallback). Where a fallback would be several commands, such as for
//! MOVE, the application decides, and [`Client::move_steps`] says what there is.

use crate::client::{CharsetUse, Client};
use crate::types::{
    AString, Addressing, Authenticate, Command, Condition, CopyCommand, EsearchResponse, Flag, Mailbox,
    ResponseCode, SearchCommand, SearchKey, SearchReturn, SequenceSet, Status, StoreAction, StoreCommand,
    StoreEcho,
};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU32;

/// The other form in which a command was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// SEARCH without RETURN: [`Event::Search`](crate::client::Event::Search) comes instead of
    /// [`Event::Esearch`](crate::client::Event::Esearch); [`esearch_of`] makes one from the other.
    PlainSearch,
    /// SEARCH without CHARSET: the text is ASCII, or the server does not want to hear of UTF-8.
    WithoutCharset,
    /// SEARCH in ISO-8859-1, because the server refused UTF-8 and knows that.
    Latin1,
    /// AUTHENTICATE without initial response, because the server announces SASL-IR and answered BAD to it
    /// (io-imap 0.5.0).
    WithoutInitialResponse,
}

/// How messages are moved on this server: commands, each to be sent when the one before it has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveSteps {
    /// MOVE alone (RFC 6851), or COPY, STORE and UID EXPUNGE. If the first fails, nothing has happened.
    pub commands: Vec<Command>,
    /// What has become of the messages in their old place.
    pub end: MoveEnd,
}

/// What moving leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveEnd {
    /// Nothing.
    Gone,
    /// The messages, marked as deleted: the server has no UIDPLUS, and EXPUNGE would remove whatever else is marked,
    /// which is not for a library to decide.
    Marked,
}

impl Client {
    /// How to move messages to `mailbox` on this server.
    pub fn move_steps(&self, uids: &SequenceSet, mailbox: Mailbox) -> MoveSteps {
        let has = |name| self.has_capability(name) || self.has_capability("IMAP4rev2");
        let copy = CopyCommand { set: uids.normalised().into(), mailbox };
        if has("MOVE") {
            return MoveSteps { commands: vec![Command::Move(Addressing::Uid, copy)], end: MoveEnd::Gone };
        }
        let mark = StoreCommand {
            set: copy.set.clone(),
            unchanged_since: None,
            action: StoreAction::Add,
            echo: StoreEcho::Silent,
            flags: [Flag::Deleted].into(),
        };
        let expunge = has("UIDPLUS").then(|| Command::UidExpunge(copy.set.clone()));
        let end = if expunge.is_some() { MoveEnd::Gone } else { MoveEnd::Marked };
        let commands = [Command::Copy(Addressing::Uid, copy), Command::Store(Addressing::Uid, mark)];
        MoveSteps { commands: commands.into_iter().chain(expunge).collect(), end }
    }

    /// Changes a command, before it is sent, to what the server takes.
    pub(crate) fn adapt(&self, command: &mut Command) -> Option<Fallback> {
        normalise(command);
        match command {
            Command::Search(_, search) => {
                let plain = self.adapt_charset(search);
                let esearch = self.has_capability("ESEARCH") || self.has_capability("IMAP4rev2");
                if !esearch && search.returns.as_deref().is_some_and(is_plain) {
                    search.returns = None;
                    return Some(Fallback::PlainSearch);
                }
                plain
            }
            Command::Esearch(esearch) => self.adapt_charset(&mut esearch.search),
            _ => None,
        }
    }

    fn adapt_charset(&self, search: &mut SearchCommand) -> Option<Fallback> {
        if self.context.utf8 || search.keys.iter().all(|key| is_ascii(key, DEPTH)) {
            search.charset = None;
            return None;
        }
        if self.quirks.charset == CharsetUse::Unnamed {
            search.charset = None;
            return Some(Fallback::WithoutCharset);
        }
        if search.charset.is_none() {
            search.charset = AString::new(Bytes::from_static(UTF_8)).ok();
        }
        None
    }
}

/// What could be tried again in another form if the server refuses it.
pub(crate) fn repeatable(command: &Command) -> Option<Box<Command>> {
    let worth = match command {
        Command::Search(_, search) => is_utf8(search.charset.as_ref()),
        Command::Authenticate(authenticate) => authenticate.initial.is_some(),
        _ => false,
    };
    worth.then(|| Box::new(command.clone()))
}

/// The other form of `command`, which was refused with `status`.
pub(crate) fn after(command: Command, status: &Status) -> Option<(Command, Fallback)> {
    match (command, &status.code, status.condition) {
        (Command::Search(addressing, search), Some(ResponseCode::BadCharset(known)), _) => {
            let latin1 = known.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(LATIN_1))?;
            let charset = Some(latin1.clone());
            let keys = search.keys.iter().map(|key| to_latin1(key, DEPTH)).collect::<Option<Vec<_>>>()?;
            let search = SearchCommand { returns: search.returns, charset, keys };
            Some((Command::Search(addressing, search), Fallback::Latin1))
        }
        (Command::Authenticate(Authenticate { mechanism, initial }), None, Condition::Bad) => {
            let command = Command::Authenticate(Authenticate { mechanism, initial });
            Some((command, Fallback::WithoutInitialResponse))
        }
        _ => None,
    }
}

/// What ESEARCH would have said of the result of a plain SEARCH with these options (RFC 4731 3.1).
pub fn esearch_of(
    numbers: &[NonZeroU32],
    returns: &[SearchReturn],
    addressing: Addressing,
) -> EsearchResponse {
    let wants = |option: SearchReturn| returns.contains(&option);
    EsearchResponse {
        uid: addressing == Addressing::Uid,
        min: numbers.iter().min().copied().filter(|_| wants(SearchReturn::Min)),
        max: numbers.iter().max().copied().filter(|_| wants(SearchReturn::Max)),
        count: wants(SearchReturn::Count).then(|| u32::try_from(numbers.len()).unwrap_or(u32::MAX)),
        all: if returns.is_empty() || wants(SearchReturn::All) {
            SequenceSet::from_numbers(numbers.iter().copied())
        } else {
            None
        },
        ..EsearchResponse::default()
    }
}

/// Sets go out ascending and joined: the meaning is the same, and some servers take no other (defects#40,
/// himalaya#518).
fn normalise(command: &mut Command) {
    let set = match command {
        Command::Fetch(_, fetch) => &mut fetch.set,
        Command::Store(_, store) => &mut store.set,
        Command::StoreLabels(_, store) => &mut store.set,
        Command::Copy(_, copy) | Command::Move(_, copy) => &mut copy.set,
        Command::UidExpunge(set) => set,
        _ => return,
    };
    if let Some(numbers) = set.numbers() {
        *set = numbers.normalised().into();
    }
}

/// Whether a plain SEARCH tells as much.
fn is_plain(returns: &[SearchReturn]) -> bool {
    use SearchReturn::{All, Count, Max, Min};
    returns.iter().all(|option| matches!(option, Min | Max | All | Count))
}

fn is_utf8(charset: Option<&AString>) -> bool {
    charset.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(UTF_8))
}

/// Whether the texts of `key` are ASCII; looks `levels` deep, deeper keys were refused.
fn is_ascii(key: &SearchKey, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return true };
    match key {
        SearchKey::Not(key) | SearchKey::Fuzzy(key) => is_ascii(key, below),
        SearchKey::Or(left, right) => is_ascii(left, below) && is_ascii(right, below),
        SearchKey::And(keys) => keys.iter().all(|key| is_ascii(key, below)),
        SearchKey::Header(name, text) => name.as_bytes().is_ascii() && text.as_bytes().is_ascii(),
        key => text_of(key).is_none_or(|text| text.as_bytes().is_ascii()),
    }
}

const fn text_of(key: &SearchKey) -> Option<&AString> {
    match key {
        SearchKey::Bcc(text)
        | SearchKey::Body(text)
        | SearchKey::Cc(text)
        | SearchKey::From(text)
        | SearchKey::Subject(text)
        | SearchKey::Text(text)
        | SearchKey::To(text)
        | SearchKey::GmRaw(text)
        | SearchKey::GmLabels(text) => Some(text),
        _ => None,
    }
}

/// The same key with its UTF-8 texts in ISO-8859-1; `None` where one has other characters.
fn to_latin1(key: &SearchKey, levels: usize) -> Option<SearchKey> {
    let below = levels.checked_sub(1)?;
    let boxed = |key: &SearchKey| to_latin1(key, below).map(Box::new);
    Some(match key {
        SearchKey::Bcc(text) => SearchKey::Bcc(latin1(text)?),
        SearchKey::Body(text) => SearchKey::Body(latin1(text)?),
        SearchKey::Cc(text) => SearchKey::Cc(latin1(text)?),
        SearchKey::From(text) => SearchKey::From(latin1(text)?),
        SearchKey::Subject(text) => SearchKey::Subject(latin1(text)?),
        SearchKey::Text(text) => SearchKey::Text(latin1(text)?),
        SearchKey::To(text) => SearchKey::To(latin1(text)?),
        SearchKey::Header(name, text) => SearchKey::Header(name.clone(), latin1(text)?),
        SearchKey::Not(key) => SearchKey::Not(boxed(key)?),
        SearchKey::Fuzzy(key) => SearchKey::Fuzzy(boxed(key)?),
        SearchKey::Or(left, right) => SearchKey::Or(boxed(left)?, boxed(right)?),
        SearchKey::And(keys) => {
            SearchKey::And(keys.iter().map(|key| to_latin1(key, below)).collect::<Option<_>>()?)
        }
        key => key.clone(),
    })
}

fn latin1(text: &AString) -> Option<AString> {
    let text: &str = text.to_str()?;
    let octets: Option<Vec<u8>> = text.chars().map(|character| u8::try_from(character).ok()).collect();
    AString::new(octets?).ok()
}

const UTF_8: &[u8] = b"UTF-8";
const LATIN_1: &[u8] = b"ISO-8859-1";

/// As deep as a command may nest.
const DEPTH: usize = 101;
