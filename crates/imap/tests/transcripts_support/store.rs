//! A small store of mail, kept in memory: the application of a server machine in the examples. It answers every
//! event it knows; one it does not know gets no answer, and the conversation stops there.

use std::collections::VecDeque;
use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::message::{StructureForm, Summary, partial};
use posthaste_imap::server::{
    Access, Asked, CopyUid, Event, Expunge, Feature, Fetch, FetchWriter, Message as Told, Refusal, Search,
    SelectData, SelectMore, SelectedFlags, Server, Store as StoreFlags, UidLife, Update,
};
use posthaste_imap::types::{
    Addressing, DateTime, FetchAttribute, FetchItem, Flag, ListPattern, ListResponse, Mailbox,
    MailboxAttribute, Namespaces, ParseContext, Payload, PermanentFlags, Response, ResponseCode, SearchKey,
    Section, SectionText, StatusAttribute, StoreAction, StoreEcho, UidSet,
};
use posthaste_imap::{Misuse, parse};

/// One mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) attributes: Vec<MailboxAttribute>,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) recent: u32,
    pub(crate) messages: Vec<Message>,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    uid: u32,
    flags: Vec<Flag>,
    date: DateTime,
    content: Bytes,
}

/// What APPEND is bringing.
#[derive(Debug)]
struct Incoming {
    folder: usize,
    message: Message,
}

/// The mail of one user, and where a session is in it.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) folders: Vec<Folder>,
    pub(crate) subscribed: Vec<String>,
    pub(crate) delimiter: char,
    /// What NAMESPACE tells, as it is written.
    pub(crate) namespaces: &'static str,
    /// What the next NOOP, CHECK or IDLE finds to be new, as it is written.
    pub(crate) news: VecDeque<&'static [&'static str]>,
    /// What AUTHENTICATE asks, one after the other.
    pub(crate) challenges: VecDeque<&'static [u8]>,
    /// How many octets there is room for.
    pub(crate) quota: Option<usize>,
    /// HIGHESTMODSEQ of every mailbox.
    pub(crate) mod_seq: Option<u64>,
    /// What LIST, SORT and THREAD are answered with, command by command, where the example is about the machine alone.
    recited: VecDeque<Vec<Response>>,
    selected: Option<(usize, Access)>,
    incoming: Option<Incoming>,
}

impl Folder {
    pub(crate) fn new(name: &str, uid_validity: u32) -> Self {
        let (attributes, messages) = (Vec::new(), Vec::new());
        Self { name: name.into(), attributes, uid_validity, uid_next: 1, recent: 0, messages }
    }

    /// With a message more.
    pub(crate) fn with(mut self, uid: u32, flags: &str, content: &str) -> Self {
        let flags = flags.split_whitespace().map(|flag| Flag::new(flag.to_owned()).unwrap()).collect();
        // 5 January 2026, 10:00:07 in the zone of Berlin, and one day later for each UID.
        let date = DateTime::from_unix_seconds(1_767_603_607 + i64::from(uid) * 86_400, 60).unwrap();
        self.messages.push(Message { uid, flags, date, content: Bytes::copy_from_slice(content.as_bytes()) });
        self.uid_next = uid + 1;
        self
    }

    pub(crate) fn with_attribute(mut self, attribute: MailboxAttribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    fn seq(&self, index: usize) -> NonZeroU32 {
        number(index + 1)
    }

    /// A message by both of its numbers.
    fn told(&self, index: usize) -> Told {
        Told::new(self.seq(index), NonZeroU32::new(self.messages[index].uid).unwrap())
    }

    /// The places of the messages that a set names.
    fn named(&self, addressing: Addressing, set: &impl ToString) -> Vec<usize> {
        let largest = match addressing {
            Addressing::Sequence => u32::try_from(self.messages.len()).unwrap(),
            Addressing::Uid => self.messages.last().map_or(0, |message| message.uid),
        };
        let named = |(index, message): (usize, &Message)| {
            let number = match addressing {
                Addressing::Sequence => self.seq(index).get(),
                Addressing::Uid => message.uid,
            };
            is_in(&set.to_string(), number, largest).then_some(index)
        };
        self.messages.iter().enumerate().filter_map(named).collect()
    }

    fn status(&self, attribute: StatusAttribute) -> String {
        let count = |wanted: &Flag, has: bool| {
            self.messages.iter().filter(|message| message.flags.contains(wanted) == has).count() as u64
        };
        let value = match attribute {
            StatusAttribute::Messages => self.messages.len() as u64,
            StatusAttribute::Recent => self.recent.into(),
            StatusAttribute::UidNext => self.uid_next.into(),
            StatusAttribute::UidValidity => self.uid_validity.into(),
            StatusAttribute::Unseen => count(&Flag::Seen, false),
            StatusAttribute::Deleted => count(&Flag::Deleted, true),
            StatusAttribute::Size => self.messages.iter().map(|message| message.content.len() as u64).sum(),
            StatusAttribute::HighestModSeq => 7_011_231_777,
            _ => 0,
        };
        format!("{} {value}", attribute.name())
    }

    fn uids(&self, indices: &[usize]) -> UidSet {
        UidSet::from_numbers(indices.iter().map(|index| NonZeroU32::new(self.messages[*index].uid).unwrap()))
    }
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
            quota: None,
            mod_seq: None,
            recited: VecDeque::new(),
            selected: None,
            incoming: None,
        }
    }

    /// With the answers of `script` to LIST, SORT and THREAD.
    pub(crate) fn reciting(mut self, script: &str) -> Self {
        let mut answer = Vec::new();
        for line in script.lines().filter_map(|line| line.strip_prefix("S: ")) {
            if let Some(text) = line.strip_prefix("* ") {
                answer.push(response(text));
            } else {
                let answer = std::mem::take(&mut answer);
                let is_found =
                    |it: &Response| matches!(it, Response::List(_) | Response::Sort(_) | Response::Thread(_));
                if answer.iter().any(is_found) {
                    self.recited.push_back(answer);
                }
            }
        }
        self
    }

    fn row_of(&self, name: &str) -> Option<ListResponse> {
        let pattern = ListPattern::new(name).unwrap();
        self.rows(&Mailbox::new("").unwrap(), &[pattern], false).pop()
    }

    pub(crate) fn answer(&mut self, server: &mut Server, event: Event) {
        self.try_answer(server, event).unwrap();
    }

    fn try_answer(&mut self, server: &mut Server, event: Event) -> Result<(), Misuse> {
        match event {
            Event::StartTls(token) => token.accept(server),
            Event::Login(login)
                if [&b"secret"[..], "s\u{e9}cret".as_bytes()].contains(&login.password().expose()) =>
            {
                login.ok(server)
            }
            Event::Login(login) => login.refuse(server),
            Event::Auth(auth) => {
                match (auth.response().map(|it| it.expose().to_vec()), self.challenges.pop_front()) {
                    (_, Some(challenge)) => auth.challenge(server, challenge),
                    (Some(response), None) if response == b"\0ann\0wrong" => auth.reject(server),
                    (None, None) => auth.challenge(server, b""),
                    (_, None) => auth.accept(server),
                }
            }
            Event::Noop(asked) => {
                self.tell_news(server);
                asked.ok(server)
            }
            Event::Namespace(asked) => match response(&format!("NAMESPACE {}", self.namespaces)) {
                Response::Namespace(namespaces) => asked.ok(server, namespaces),
                other => {
                    assert!(matches!(other, Response::Other(_)), "{other:?}");
                    asked.ok(server, Namespaces::default())
                }
            },
            Event::List(asked) if !self.recited.is_empty() => {
                for response in self.recited.pop_front().unwrap_or_default() {
                    match response {
                        Response::List(row) => asked.row(server, row)?,
                        Response::Status(mailbox, items) => asked.status(server, mailbox, items)?,
                        other => panic!("{other:?}"),
                    }
                }
                asked.ok(server)
            }
            Event::Sort(asked) => match self.recited.pop_front().as_deref() {
                Some([Response::Sort(found)]) => asked.ok(server, found.numbers.clone()),
                other => panic!("{other:?}"),
            },
            Event::Thread(asked) => match self.recited.pop_front().as_deref() {
                Some([Response::Thread(threads)]) => asked.ok(server, threads.clone()),
                other => panic!("{other:?}"),
            },
            Event::List(asked) => {
                for row in self.rows(&asked.reference, &asked.patterns, false) {
                    asked.row(server, row)?;
                }
                asked.ok(server)
            }
            Event::Lsub(asked) => {
                let patterns = [asked.pattern.clone()];
                for row in self.rows(&asked.reference, &patterns, true) {
                    asked.row(server, row)?;
                }
                asked.ok(server)
            }
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
            Event::Create(asked) => {
                let name = asked.mailbox.as_str().trim_end_matches(self.delimiter).to_owned();
                if self.find(&name).is_some() {
                    return asked.no(server, Refusal::already_exists());
                }
                self.folders.push(Folder::new(&name, 9000));
                self.tell_news(server);
                asked.ok(server)
            }
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
                    let items = asked.attributes.iter().map(|it| self.folders[at].status(*it));
                    let items = items.collect::<Vec<_>>().join(" ");
                    let Response::Status(_, items) = response(&format!("STATUS x ({items})")) else {
                        panic!("{items}")
                    };
                    asked.ok(server, items)
                }
            },
            Event::Select(asked) => match self.find(asked.mailbox.as_str()) {
                None => {
                    self.selected = None;
                    asked.refuse(server, Refusal::nonexistent())
                }
                Some(at) => {
                    self.selected = Some((at, asked.access));
                    let mut more = SelectMore { highest_mod_seq: self.mod_seq, ..SelectMore::default() };
                    more.list = self.row_of(&self.folders[at].name);
                    if self.folders[at].name == "funny" {
                        more.uids = UidLife::NotSticky;
                    }
                    asked.open(server, self.select_data(at), more)?.ok(server)
                }
            },
            Event::Close(asked) => {
                let (at, access) = self.selected.take().expect("a mailbox");
                if access == Access::ReadWrite {
                    self.folders[at].messages.retain(|message| !message.flags.contains(&Flag::Deleted));
                }
                asked.ok(server)
            }
            Event::Unselect(asked) => {
                self.selected = None;
                asked.ok(server)
            }
            Event::Append(asked) => {
                let Some(folder) = self.find(asked.head.mailbox.as_str()) else {
                    return asked.refuse(server, Refusal::try_create());
                };
                if self.quota.is_some_and(|quota| asked.length > quota as u64) {
                    return asked.refuse(server, Refusal::over_quota());
                }
                let uid = self.folders[folder].uid_next;
                let date = asked.head.date_time.unwrap_or(DateTime::from_unix_seconds(0, 0).unwrap());
                let message = Message {
                    uid,
                    flags: asked.head.flags.iter().map(|flag| flag.to_owned()).collect(),
                    date,
                    content: Bytes::new(),
                };
                self.incoming = Some(Incoming { folder, message });
                asked.accept(server)
            }
            Event::Body(chunk) => {
                let incoming = self.incoming.as_mut().expect("an APPEND");
                incoming.message.content = [&incoming.message.content[..], &chunk].concat().into();
                Ok(())
            }
            Event::AppendEnd(asked) => {
                let Incoming { folder, message } = self.incoming.take().expect("an APPEND");
                let uid = message.uid;
                let (uid_validity, exists) = self.keep(folder, message);
                if self.selected.is_some_and(|(selected, _)| selected == folder) {
                    server.update(Update::Exists(exists))?;
                }
                if self.folders[folder].name == "funny" {
                    return asked.ok_without_uids(server);
                }
                asked.ok(server, NonZeroU32::new(uid_validity).unwrap(), NonZeroU32::new(uid).unwrap())
            }
            Event::BodyAborted => {
                self.incoming = None;
                Ok(())
            }
            Event::Fetch(asked) => self.fetch(server, asked),
            Event::Store(asked) => self.store(server, asked),
            Event::Copy(asked) => match self.find(asked.mailbox.as_str()) {
                None => asked.no(server, Refusal::try_create()),
                Some(to) => {
                    let named = self.folder().named(asked.addressing, &asked.set);
                    let copied = self.copy(&named, to);
                    asked.ok(server, copied)
                }
            },
            Event::Move(asked) => match self.find(asked.mailbox.as_str()) {
                None => asked.no(server, Refusal::try_create()),
                Some(to) => {
                    let named = self.folder().named(asked.addressing, &asked.set);
                    if let Some(moved) = self.copy(&named, to) {
                        asked.moved(server, moved)?;
                    }
                    for index in named.into_iter().rev() {
                        let gone = self.folder().told(index);
                        asked.expunged(server, gone)?;
                        self.folder().messages.remove(index);
                    }
                    asked.ok(server)
                }
            },
            Event::Expunge(asked) => self.expunge(server, asked),
            Event::Search(asked) => self.search(server, asked),
            Event::Idle(asked) => {
                asked.start(server)?;
                self.tell_news(server);
                Ok(())
            }
            Event::IdleDone(asked) => asked.ok(server),
            // The others are for information, or are new: a question among them stays open.
            _ => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.folders.iter().position(|folder| folder.name == name && !is_no_mailbox(folder))
    }

    /// The selected mailbox.
    fn folder(&mut self) -> &mut Folder {
        let (at, _) = self.selected.expect("a mailbox");
        &mut self.folders[at]
    }

    fn tell_news(&mut self, server: &mut Server) {
        for line in self.news.pop_front().unwrap_or_default() {
            for update in self.update(response(line)) {
                server.update(update).unwrap();
            }
        }
    }

    /// What is new, as the machine takes it. What it does not take is not told, and the example fails there.
    fn update(&mut self, news: Response) -> Vec<Update> {
        match news {
            Response::Exists(exists) => vec![Update::Exists(exists)],
            Response::Expunge(seq) => vec![Update::Expunged(seq.into())],
            Response::Fetch(seq, items) => vec![Update::Fetch(seq.into(), items)],
            Response::Vanished { uids, .. } => {
                let mut gone = Vec::new();
                for uid in uids.iter() {
                    let messages = &mut self.folder().messages;
                    let index = messages.iter().position(|message| message.uid == uid).unwrap();
                    messages.remove(index);
                    gone.push(Update::Expunged(Told::new(number(index + 1), NonZeroU32::new(uid).unwrap())));
                }
                gone
            }
            _ => Vec::new(),
        }
    }

    fn select_data(&self, at: usize) -> SelectData {
        let folder = &self.folders[at];
        let unseen = folder.messages.iter().position(|message| !message.flags.contains(&Flag::Seen));
        let defined = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
        let permanent =
            PermanentFlags { flags: [Flag::Deleted, Flag::Seen].into_iter().collect(), new_keywords: true };
        SelectData {
            flags: SelectedFlags { defined: defined.into_iter().collect(), permanent },
            exists: u32::try_from(folder.messages.len()).unwrap(),
            recent: folder.recent,
            unseen: unseen.map(|index| folder.seq(index)),
            uid_validity: NonZeroU32::new(folder.uid_validity).unwrap(),
            uid_next: NonZeroU32::new(folder.uid_next).unwrap(),
            access: posthaste_imap::server::Access::ReadWrite,
        }
    }

    /// What LIST or LSUB tells.
    fn rows(&self, reference: &Mailbox, patterns: &[ListPattern], subscribed: bool) -> Vec<ListResponse> {
        let row = |name: &str, attributes: Vec<MailboxAttribute>| ListResponse {
            attributes,
            delimiter: Some(self.delimiter),
            mailbox: Mailbox::new(name).unwrap(),
            child_info: Vec::new(),
            old_name: None,
        };
        if patterns.iter().all(|pattern| pattern.as_str().is_empty()) {
            return vec![row("", vec![MailboxAttribute::NoSelect])];
        }
        let matches = |name: &str| {
            let mut patterns = patterns.iter().map(|it| [reference.as_str(), it.as_str()].concat());
            patterns.any(|pattern| is_match(pattern.as_bytes(), name.as_bytes(), self.delimiter as u8))
        };
        if !subscribed {
            let folders = self.folders.iter().filter(|folder| matches(&folder.name));
            return folders.map(|folder| row(&folder.name, folder.attributes.clone())).collect();
        }
        let mut rows: Vec<ListResponse> = Vec::new();
        for name in &self.subscribed {
            let parents = name.match_indices(self.delimiter).map(|(at, _)| &name[..at]);
            if matches(name) {
                rows.push(row(name, Vec::new()));
            } else if let Some(parent) = parents.into_iter().find(|parent| matches(parent))
                && !self.subscribed.iter().any(|it| it == parent)
            {
                rows.push(row(parent, vec![MailboxAttribute::NoSelect]));
            }
        }
        rows.dedup();
        rows
    }

    fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        let below = format!("{name}{}", self.delimiter);
        let has_children = self.folders.iter().any(|folder| folder.name.starts_with(&below));
        let at = self.folders.iter().position(|folder| folder.name == name).ok_or(Refusal::nonexistent())?;
        if has_children {
            return Err(Refusal::new("Others are below it").with_code(ResponseCode::HasChildren));
        }
        self.folders.remove(at);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        if self.folders.iter().any(|folder| folder.name == to) {
            return Err(Refusal::already_exists());
        }
        let at = self.folders.iter().position(|folder| folder.name == from).ok_or(Refusal::nonexistent())?;
        if from == "INBOX" {
            let empty = Folder { messages: Vec::new(), ..self.folders[at].clone() };
            let inbox = std::mem::replace(&mut self.folders[at], empty);
            self.folders.push(Folder { name: to.into(), ..inbox });
            return Ok(());
        }
        for folder in &mut self.folders {
            if let Some(rest) = folder.name.strip_prefix(from)
                && (rest.is_empty() || rest.starts_with(self.delimiter))
            {
                folder.name = format!("{to}{rest}");
            }
        }
        Ok(())
    }

    /// Keeps a message; UIDVALIDITY and how many there are now.
    fn keep(&mut self, folder: usize, message: Message) -> (u32, u32) {
        let folder = &mut self.folders[folder];
        folder.uid_next = message.uid + 1;
        folder.messages.push(message);
        (folder.uid_validity, u32::try_from(folder.messages.len()).unwrap())
    }

    fn copy(&mut self, named: &[usize], to: usize) -> Option<CopyUid> {
        let source = self.folder().uids(named);
        let first = self.folders[to].uid_next;
        for index in named {
            let message = self.folder().messages[*index].clone();
            let uid = self.folders[to].uid_next;
            self.keep(to, Message { uid, ..message });
        }
        let uid_validity = NonZeroU32::new(self.folders[to].uid_validity).unwrap();
        let target = UidSet::from_numbers((first..self.folders[to].uid_next).filter_map(NonZeroU32::new));
        (!named.is_empty()).then_some(CopyUid { uid_validity, source, target })
    }

    fn fetch(&mut self, server: &mut Server, asked: Asked<Fetch>) -> Result<(), Misuse> {
        let named = self.folder().named(asked.addressing, &asked.set);
        let (by_uid, attributes) = (asked.addressing == Addressing::Uid, asked.attributes.clone());
        let is_read_only = self.selected.is_some_and(|(_, access)| access == Access::ReadOnly);
        let mut writer = asked.begin();
        for index in named {
            let told = self.folder().told(index);
            let message = &mut self.folder().messages[index];
            writer = row(server, writer, (told, message), &attributes, by_uid, is_read_only)?;
        }
        writer.ok(server)
    }

    fn store(&mut self, server: &mut Server, asked: Asked<StoreFlags>) -> Result<(), Misuse> {
        let command = asked.command.clone();
        let by_uid = asked.addressing == Addressing::Uid;
        let given: Vec<Flag> = command.flags.iter().map(|flag| flag.to_owned()).collect();
        for index in self.folder().named(asked.addressing, &command.set) {
            let told_of = self.folder().told(index);
            let message = &mut self.folder().messages[index];
            match command.action {
                StoreAction::Replace => message.flags.clone_from(&given),
                StoreAction::Add => {
                    let new = given.iter().filter(|flag| !message.flags.contains(flag)).cloned();
                    let new: Vec<Flag> = new.collect();
                    message.flags.extend(new);
                }
                StoreAction::Remove => message.flags.retain(|flag| !given.contains(flag)),
            }
            if command.echo == StoreEcho::Report {
                let mut items = vec![told(&message.flags)];
                if by_uid && !server.is_enabled(Feature::UidOnly) {
                    items.push(FetchItem::Uid(NonZeroU32::new(message.uid).unwrap()));
                }
                asked.row(server, told_of, items)?;
            }
        }
        asked.ok(server)
    }

    fn expunge(&mut self, server: &mut Server, asked: Asked<Expunge>) -> Result<(), Misuse> {
        let folder = self.folder();
        let mut index = 0;
        while let Some(message) = folder.messages.get(index) {
            let named = asked
                .uids
                .as_ref()
                .is_none_or(|uids| is_in(&uids.to_string(), message.uid, folder.uid_next - 1));
            if named && message.flags.contains(&Flag::Deleted) {
                asked.expunged(server, folder.told(index))?;
                folder.messages.remove(index);
            } else {
                index += 1;
            }
        }
        asked.ok(server)
    }

    fn search(&mut self, server: &mut Server, asked: Asked<Search>) -> Result<(), Misuse> {
        let folder = self.folder();
        let found = (0..folder.messages.len())
            .filter(|index| asked.command.keys.iter().all(|key| is_found(folder, *index, key)));
        let found = found.map(|index| match asked.addressing {
            Addressing::Sequence => folder.seq(index),
            Addressing::Uid => NonZeroU32::new(folder.messages[index].uid).unwrap(),
        });
        let found: Vec<NonZeroU32> = found.collect();
        asked.ok(server, found)
    }
}

/// One row of FETCH.
fn row(
    server: &mut Server,
    writer: FetchWriter,
    (told_of, message): (Told, &mut Message),
    attributes: &[FetchAttribute],
    by_uid: bool,
    is_read_only: bool,
) -> Result<FetchWriter, Misuse> {
    let summary = Summary::scan(&message.content);
    let mut row = writer.row(server, told_of)?;
    let sees = attributes.iter().any(is_seen_by) && !is_read_only && !message.flags.contains(&Flag::Seen);
    if sees {
        message.flags.push(Flag::Seen);
    }
    for attribute in attributes {
        let item = match attribute {
            FetchAttribute::Flags => told(&message.flags),
            FetchAttribute::Uid => FetchItem::Uid(NonZeroU32::new(message.uid).unwrap()),
            FetchAttribute::InternalDate => FetchItem::InternalDate(message.date),
            FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(message.content.len() as u64),
            FetchAttribute::Envelope => FetchItem::Envelope(Box::new(summary.envelope().into())),
            FetchAttribute::Body => FetchItem::Body(Box::new(summary.body_structure(StructureForm::Plain))),
            FetchAttribute::BodyStructure => {
                FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended)))
            }
            attribute => {
                let (payload, section, part) = wanted(attribute);
                let Some(content) = summary.section(&section, &message.content) else {
                    row.item(server, &FetchItem::Payload { payload, data: None })?;
                    continue;
                };
                let content = match part {
                    Some((offset, count)) => partial(&content, offset, count),
                    None => &content,
                };
                let mut literal = row.literal(server, &payload, content.len() as u64)?;
                literal.write(server, Bytes::copy_from_slice(content))?;
                row = literal.finish(server)?;
                continue;
            }
        };
        row.item(server, &item)?;
    }
    if by_uid && !attributes.contains(&FetchAttribute::Uid) && !server.is_enabled(Feature::UidOnly) {
        row.item(server, &FetchItem::Uid(NonZeroU32::new(message.uid).unwrap()))?;
    }
    if sees && !attributes.contains(&FetchAttribute::Flags) {
        row.item(server, &told(&message.flags))?;
    }
    row.finish(server)
}

/// Flags as an item of FETCH.
fn told(flags: &[Flag]) -> FetchItem {
    FetchItem::Flags(flags.iter().map(ToOwned::to_owned).collect())
}

/// Whether an attribute makes a message seen.
fn is_seen_by(attribute: &FetchAttribute) -> bool {
    match attribute {
        FetchAttribute::Section { peek, .. } | FetchAttribute::Binary { peek, .. } => !peek,
        FetchAttribute::Rfc822 | FetchAttribute::Rfc822Text => true,
        _ => false,
    }
}

/// The payload, the section and the octets of it that an attribute asks for.
fn wanted(attribute: &FetchAttribute) -> (Payload, Section, Option<(u64, u64)>) {
    let text = |text| Section::new(None, Some(text)).unwrap();
    match attribute {
        FetchAttribute::Section { section, partial, .. } => {
            let origin = partial.map(|partial| partial.offset);
            let part = partial.map(|partial| (partial.offset.into(), partial.count.get().into()));
            (Payload::Section { section: section.clone(), origin }, section.clone(), part)
        }
        FetchAttribute::Rfc822Header => (Payload::Rfc822Header, text(SectionText::Header), None),
        FetchAttribute::Rfc822Text => (Payload::Rfc822Text, text(SectionText::Text), None),
        _ => (Payload::Rfc822, Section::whole(), None),
    }
}

/// As much of SEARCH as the examples ask for.
fn is_found(folder: &Folder, index: usize, key: &SearchKey) -> bool {
    let message = &folder.messages[index];
    let has = |flag: Flag| message.flags.contains(&flag);
    let content = String::from_utf8_lossy(&message.content).to_lowercase();
    let (header, body) = content.split_once("\r\n\r\n").unwrap_or((&content, ""));
    let field = |name: &str, text: &posthaste_imap::types::AString| {
        let text = text.to_string_lossy().to_lowercase();
        header.lines().any(|line| line.starts_with(name) && line.contains(&text))
    };
    match key {
        SearchKey::All => true,
        SearchKey::Deleted => has(Flag::Deleted),
        SearchKey::Flagged => has(Flag::Flagged),
        SearchKey::Seen => has(Flag::Seen),
        SearchKey::Unseen => !has(Flag::Seen),
        SearchKey::From(text) => field("from:", text),
        SearchKey::Subject(text) => field("subject:", text),
        SearchKey::Text(text) => content.contains(&text.to_string_lossy().to_lowercase()),
        SearchKey::Body(text) => body.contains(&text.to_string_lossy().to_lowercase()),
        SearchKey::Since(date) => message.date.date().unix_days() >= date.unix_days(),
        SearchKey::Larger(size) => message.content.len() as u64 > *size,
        SearchKey::Not(key) => !is_found(folder, index, key),
        SearchKey::Or(left, right) => is_found(folder, index, left) || is_found(folder, index, right),
        SearchKey::And(keys) => keys.iter().all(|key| is_found(folder, index, key)),
        _ => false,
    }
}

/// Whether `number` is in a set, as it is written, where `*` is `largest`.
fn is_in(set: &str, number: u32, largest: u32) -> bool {
    let end = |text: &str| text.parse().unwrap_or(largest);
    set.split(',').any(|range| {
        let (start, stop) = range.split_once(':').unwrap_or((range, range));
        let (start, stop) = (end(start), end(stop));
        (start.min(stop)..=start.max(stop)).contains(&number)
    })
}

fn is_no_mailbox(folder: &Folder) -> bool {
    folder
        .attributes
        .iter()
        .any(|it| matches!(it, MailboxAttribute::NoSelect | MailboxAttribute::NonExistent))
}

fn is_match(pattern: &[u8], name: &[u8], delimiter: u8) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| is_match(rest, &name[at..], delimiter)),
        Some((b'%', rest)) => {
            let level = name.iter().position(|octet| *octet == delimiter).unwrap_or(name.len());
            (0..=level).any(|at| is_match(rest, &name[at..], delimiter))
        }
        Some((octet, rest)) => name.first() == Some(octet) && is_match(rest, &name[1..], delimiter),
    }
}

/// An untagged response, written without its star.
fn response(text: &str) -> Response {
    parse::response(&Bytes::from(format!("* {text}")), &ParseContext::client()).unwrap().response
}

fn number(number: usize) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(number).unwrap()).unwrap()
}
