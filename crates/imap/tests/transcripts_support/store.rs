//! A small store of mail, kept in memory: the application of a server machine in the examples. What is in it is declared
//! for each of them (`setting.rs`); every answer is computed from it, by the algorithms of the crate where it has them.
//!
//! This file holds the mail of one user, the session that looks at it, and which command goes where.

mod acl;
mod append;
mod fetch;
mod folder;
mod mailboxes;
mod messages;
mod metadata;
mod news;
mod quota;
mod search;

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::server::{Auth, Event, Message as Told, Refusal, Server, Update};
use posthaste_imap::types::{
    Addressing, DateTime, EntryName, EventGroup, Login, MessageSet, Namespaces, ParseContext, Response,
    ResponseCode, SequenceSet, UidSet,
};
use posthaste_imap::view::View;
use posthaste_imap::{Misuse, parse};

pub(crate) use acl::Grantable;
pub(crate) use folder::{Folder, Message};
pub(crate) use news::{Change, Moment};
pub(crate) use quota::QuotaRoot;

/// The mail of one user, and where a session is in it.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) folders: Vec<Folder>,
    pub(crate) subscribed: Vec<String>,
    pub(crate) delimiter: char,
    /// What NAMESPACE tells, as it is written.
    pub(crate) namespaces: &'static str,
    /// What others do, one moment after the other.
    pub(crate) news: VecDeque<(Moment, Vec<Change>)>,
    /// What AUTHENTICATE asks, one after the other.
    pub(crate) challenges: VecDeque<&'static [u8]>,
    /// How many octets there is room for.
    pub(crate) room: Option<u64>,
    /// How many there are in a mailbox before the user is warned.
    pub(crate) comfort: Option<u64>,
    /// Names that are kept in another spelling than they are given in.
    pub(crate) spellings: Vec<(&'static str, &'static str)>,
    /// How many messages are saved for `$` at most.
    pub(crate) saved_max: usize,
    pub(crate) quotas: Vec<QuotaRoot>,
    pub(crate) grantable: Vec<Grantable>,
    /// Those of the server, and how many a mailbox or the server may have.
    pub(crate) annotations: BTreeMap<EntryName, Bytes>,
    pub(crate) annotations_max: usize,
    /// How many flags a message has at most.
    pub(crate) flags_max: usize,
    /// Whether a mailbox goes though others are below it.
    pub(crate) deletes_parents: bool,
    /// Whether it takes so long to look at messages that the client is told how far it is.
    pub(crate) is_slow: bool,
    /// Seconds since 1970.
    pub(crate) now: i64,
    selected: Option<Selected>,
    /// `$`.
    saved: UidSet,
    incoming: Option<append::Incoming>,
    watch: Vec<EventGroup>,
    /// What is to be told of other mailboxes.
    elsewhere: Vec<Update>,
}

/// The mailbox that is selected, and what the client knows of it.
#[derive(Debug)]
struct Selected {
    folder: usize,
    view: View,
}

impl Store {
    pub(crate) fn new(folders: impl IntoIterator<Item = Folder>) -> Self {
        Self {
            folders: folders.into_iter().collect(),
            subscribed: Vec::new(),
            delimiter: '/',
            namespaces: "((\"\" \"/\")) NIL NIL",
            news: VecDeque::new(),
            challenges: VecDeque::new(),
            room: None,
            comfort: None,
            spellings: Vec::new(),
            saved_max: usize::MAX,
            quotas: Vec::new(),
            grantable: Vec::new(),
            annotations: BTreeMap::new(),
            annotations_max: usize::MAX,
            flags_max: usize::MAX,
            deletes_parents: false,
            is_slow: false,
            // 1 February 2026, noon.
            now: 1_769_947_200,
            selected: None,
            saved: UidSet::default(),
            incoming: None,
            watch: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    pub(crate) fn answer(&mut self, server: &mut Server, event: Event) {
        self.try_answer(server, event).unwrap();
    }

    fn try_answer(&mut self, server: &mut Server, event: Event) -> Result<(), Misuse> {
        match event {
            Event::StartTls(token) => token.accept(server),
            Event::Compress(token) => token.accept(server),
            Event::Login(login) => match trouble_with(&login) {
                None => login.ok(server),
                Some(ResponseCode::AuthenticationFailed) => login.refuse(server),
                Some(code) => login.no(server, Refusal::new("Not now").with_code(code)),
            },
            Event::Auth(auth) => self.authenticate(server, auth),
            Event::Unauthenticate(asked) => {
                self.selected = None;
                asked.ok(server)
            }
            Event::Noop(asked) => {
                self.happen(Moment::Asked);
                self.tell(server);
                asked.ok(server)
            }
            Event::Idle(asked) => {
                asked.start(server)?;
                self.happen(Moment::Asked);
                self.tell(server);
                Ok(())
            }
            Event::IdleDone(asked) => asked.ok(server),
            Event::Namespace(asked) => asked.ok(server, namespaces(self.namespaces)),
            Event::List(asked) => self.list(server, asked),
            Event::Lsub(asked) => self.lsub(server, asked),
            Event::Subscribe(asked) => {
                self.subscribed.push(asked.mailbox.as_str().into());
                asked.ok(server)
            }
            Event::Unsubscribe(asked) => {
                let before = self.subscribed.len();
                self.subscribed.retain(|name| name != asked.mailbox.as_str());
                let there = self.subscribed.len() < before;
                asked.done(server, there.then_some(()).ok_or(Refusal::nonexistent()))
            }
            Event::Create(asked) => self.create(server, asked),
            Event::Delete(asked) => {
                let outcome = self.delete(asked.mailbox.as_str());
                asked.done(server, outcome)
            }
            Event::Rename(asked) => {
                let outcome = self.rename(asked.from.as_str(), asked.to.as_str());
                asked.done(server, outcome)
            }
            Event::Status(asked) => match self.find(asked.mailbox.as_str()) {
                None => asked.no(server, Refusal::nonexistent()),
                Some(at) => {
                    let items = self.folders[at].status(&asked.attributes);
                    asked.ok(server, items)
                }
            },
            Event::Select(asked) => {
                self.select(server, asked)?;
                self.happen(Moment::Selected);
                Ok(())
            }
            Event::Close(asked) => {
                self.close(server.is_read_only());
                asked.ok(server)
            }
            Event::Unselect(asked) => {
                self.selected = None;
                asked.ok(server)
            }
            Event::Append(asked) => self.append(server, asked),
            Event::AppendMore(asked) => self.append_more(server, asked),
            Event::Replace(asked) => self.replace(server, asked),
            Event::Body(chunk) => {
                self.body(&chunk);
                Ok(())
            }
            Event::AppendEnd(asked) => self.append_end(server, asked),
            Event::ReplaceEnd(asked) => self.replace_end(server, asked),
            Event::BodyAborted => {
                self.incoming = None;
                Ok(())
            }
            Event::Fetch(asked) => self.fetch(server, asked),
            Event::Store(asked) => self.store(server, asked),
            Event::Copy(asked) => self.copy(server, asked),
            Event::Move(asked) => self.move_away(server, asked),
            Event::Expunge(asked) => self.expunge(server, asked),
            Event::Search(asked) => self.search(server, asked),
            Event::Sort(asked) => self.sort(server, asked),
            Event::Thread(asked) => self.thread(server, asked),
            Event::MultiSearch(asked) => self.multi_search(server, asked),
            Event::GetQuota(asked) => self.get_quota(server, asked),
            Event::GetQuotaRoot(asked) => self.get_quota_root(server, asked),
            Event::SetQuota(asked) => self.set_quota(server, asked),
            Event::GetAcl(asked) => self.get_acl(server, asked),
            Event::SetAcl(asked) => self.set_acl(server, asked),
            Event::DeleteAcl(asked) => self.delete_acl(server, asked),
            Event::ListRights(asked) => self.list_rights(server, asked),
            Event::MyRights(asked) => self.my_rights(server, asked),
            Event::GetMetadata(asked) => self.get_metadata(server, asked),
            Event::SetMetadata(asked) => self.set_metadata(server, asked),
            Event::Notify(asked) => self.notify(server, asked),
            // The others are for information.
            _ => Ok(()),
        }
    }

    fn authenticate(&mut self, server: &mut Server, auth: Auth) -> Result<(), Misuse> {
        match (auth.response().map(|it| it.expose().to_vec()), self.challenges.pop_front()) {
            (_, Some(challenge)) => auth.challenge(server, challenge),
            (Some(response), None) if response == b"\0ann\0wrong" => auth.reject(server),
            (None, None) => auth.challenge(server, b""),
            (_, None) => auth.accept(server),
        }
    }

    /// Why nothing can be done with a mailbox of that name, if it has such trouble.
    fn trouble(&self, name: &str) -> Option<Refusal> {
        let code = self.folders.iter().find(|folder| folder.name == name)?.trouble.clone()?;
        Some(Refusal::new("Not this mailbox").with_code(code))
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.folders.iter().position(|folder| folder.name == name && !folder.is_no_mailbox())
    }

    /// The selected mailbox.
    fn folder(&mut self) -> &mut Folder {
        let at = self.selected.as_ref().expect("a mailbox").folder;
        &mut self.folders[at]
    }

    /// What the client knows of it.
    fn view(&mut self) -> &mut View {
        &mut self.selected.as_mut().expect("a mailbox").view
    }

    /// The messages that a set names: sequence numbers and UIDs.
    fn named(&mut self, addressing: Addressing, set: &MessageSet) -> Vec<(NonZeroU32, u32)> {
        let saved = SequenceSet::from_uids(&self.saved);
        match set {
            MessageSet::Numbers(set) => self.view().resolve(set, addressing).collect(),
            MessageSet::Saved => {
                saved.map(|set| self.view().resolve(&set, Addressing::Uid).collect()).unwrap_or_default()
            }
        }
    }

    /// Puts a message into a folder; its UID. The client is told later, if it is in the selected one.
    fn keep(&mut self, at: usize, message: Message) -> u32 {
        let uid = self.folders[at].add(message);
        let mod_seq = self.folders[at].mod_seq.unwrap_or(1);
        if let Some(selected) = self.selected.as_mut().filter(|selected| selected.folder == at) {
            selected.view.arrived(uid, mod_seq);
        }
        uid
    }

    /// Whether the UIDs in a folder last: a funny one throws them away.
    fn keeps_uids(&self, at: usize) -> bool {
        self.folders[at].name != "funny"
    }

    fn date(&self) -> DateTime {
        DateTime::from_unix_seconds(self.now, 0).unwrap()
    }
}

/// What is wrong with a login: there are several passwords, and some are not what they were.
fn trouble_with(login: &Login) -> Option<ResponseCode> {
    match login.password().expose() {
        b"secret" | b"s\xc3\xa9cret" => None,
        b"old" => Some(ResponseCode::Expired),
        b"later" => Some(ResponseCode::Unavailable),
        b"forbidden" => Some(ResponseCode::AuthorizationFailed),
        b"ask" => Some(ResponseCode::ContactAdmin),
        _ => Some(ResponseCode::AuthenticationFailed),
    }
}

fn namespaces(text: &str) -> Namespaces {
    let line = Bytes::from(format!("* NAMESPACE {text}"));
    match parse::response(&line, &ParseContext::client()).unwrap().response {
        Response::Namespace(namespaces) => namespaces,
        other => panic!("{other:?}"),
    }
}

/// A message by both of its numbers.
fn told(seq: NonZeroU32, uid: u32) -> Told {
    Told::new(seq, NonZeroU32::new(uid).unwrap())
}
