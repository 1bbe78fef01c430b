//! The user of a client: commands of all kinds, queued when the choices say so, and tokens that are not always
//! answered.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use posthaste_imap::client::{
    AppendContent, AppendMessage, AppendPart, AppendWriter, AuthPrivacy, Challenge, Client, CommandId,
    Config, Event, FirstStatus, ProtocolError, TlsPolicy,
};
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::{
    AString, Addressing, Capability, Command, EntryName, EventGroup, FetchAttribute, Flag, GetMetadata,
    IdParameters, ListPattern, Mailbox, MailboxFilter, MetadataDepth, NotifyEvent, ParseContext, QResync,
    SearchCommand, SearchKey, Section, SelectParameter, SequenceNumber, SequenceSet, StatusAttribute,
    StoreAction, StoreCommand, StoreEcho,
};
use posthaste_imap::{Bytes, Layer, Misuse, Secret, Security, Step, Time, Upgrade};
use posthaste_testkit::{Note, Outcome};

use super::drive::{Application, Choices, Pace, drive};
use crate::plan::Plan;

/// Whether what was begun to be sent was sent to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// The application left a message in the middle.
    Torn,
}

pub(super) fn talk(plan: &Plan<'_>, choices: &[u8], pace: Pace) -> (Outcome, Ending) {
    let number = plan.number;
    let mut config = Config::default();
    config.tls = [TlsPolicy::Off, TlsPolicy::Opportunistic, TlsPolicy::Required][usize::from(number / 2 % 3)];
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    config.limits.line_max = 1_000;
    config.limits.response_max = 2_000;
    config.limits.response_preauth_max = 800;
    config.limits.literals_max = 8;
    config.limits.strays_max = 3;
    config.limits.violations_max = 8;
    config.limits.queue_max = 8;
    config.limits.running_max = 4;
    config.limits.send_high_water = 300;
    let security = if number & 1 == 0 { Security::Tls } else { Security::Plain };
    let mut machine = Client::new(config, security, Time::ZERO);
    let mut user = User {
        choices: Choices(choices),
        open: BTreeSet::new(),
        row: None,
        kept: None,
        writing: None,
        put_off: None,
        ending: Ending::Whole,
    };
    let outcome = drive(&mut machine, &mut user, plan, pace);
    user.settle(&mut machine);
    super::over(&mut machine);
    (outcome, user.ending)
}

struct User<'a> {
    choices: Choices<'a>,
    /// Commands of which nothing was heard.
    open: BTreeSet<CommandId>,
    /// The octets that are due of a literal, within a row.
    row: Option<Option<u64>>,
    kept: Option<Challenge>,
    /// A message, and its octets that have not been taken yet.
    writing: Option<(AppendWriter, u64)>,
    /// A message that is written later.
    put_off: Option<AppendWriter>,
    ending: Ending,
}

impl User<'_> {
    /// Queues one more command. That the moment is wrong is for the machine to say.
    fn queue(&mut self, client: &mut Client, what: u8) {
        if let Ok(id) = queue(client, what) {
            assert!(self.open.insert(id), "two commands with one name");
        }
    }

    fn close(&mut self, id: CommandId) {
        assert!(self.open.remove(&id), "a command that is none, or is done twice");
    }

    /// At the end each command is done, given back or in doubt.
    fn settle(&mut self, client: &mut Client) {
        match client.poll_event() {
            Err(ProtocolError::ConnectionLost { unknown, unsent }) => {
                unknown.into_iter().chain(unsent).for_each(|id| self.close(id));
            }
            Err(_) | Ok(Step::Closed) => {
                client
                    .running()
                    .chain(client.queued())
                    .collect::<Vec<_>>()
                    .into_iter()
                    .for_each(|id| self.close(id));
            }
            other => panic!("the peer has gone, and the client waits: {other:?}"),
        }
        // LOGOUT is in progress when the peer closes.
        for id in client.running() {
            self.open.remove(&id);
        }
        assert!(self.open.is_empty(), "lost: {:?}", self.open);
        assert!(
            self.row.is_none() || client.poll_event().is_err(),
            "a row that neither ended nor was given up"
        );
    }

    /// Writes what there is room for.
    fn write(&mut self, client: &mut Client) -> bool {
        let Some((mut writer, mut rest)) = self.writing.take() else { return false };
        let mut moved = false;
        while rest > 0 {
            let count = rest.min(200);
            let chunk = Bytes::from(vec![b'x'; usize::try_from(count).unwrap()]);
            match writer.write(client, chunk) {
                Ok(()) => {
                    moved = true;
                    rest -= count;
                }
                Err(Misuse::Congested { .. }) => {
                    self.writing = Some((writer, rest));
                    return moved;
                }
                Err(misuse) => panic!("{misuse}"),
            }
        }
        writer.finish(client).expect("a message that is complete");
        true
    }

    fn challenge(&mut self, client: &mut Client, challenge: Challenge) {
        match self.choices.next() % 8 {
            0..=2 => challenge.respond(client, Secret::from("p")).expect("a challenge is answered once"),
            3 => challenge.cancel(client).expect("a challenge is answered once"),
            4 | 5 => self.kept = Some(challenge),
            6 => drop(challenge),
            _ => {
                let mut other = Client::new(Config::default(), Security::Tls, Time::ZERO);
                assert_eq!(challenge.respond(&mut other, Secret::from("p")), Err(Misuse::WrongConnection));
            }
        }
    }

    fn append(&mut self, client: &mut Client, writer: AppendWriter) {
        let length = writer.length();
        assert_eq!(writer.remaining(client), length);
        match self.choices.next() % 8 {
            0..=2 => {
                self.writing = Some((writer, length));
                self.write(client);
            }
            3 | 4 => self.put_off = Some(writer),
            5 if length > 0 => {
                self.ending = Ending::Torn;
                let short = writer.finish(client);
                assert_eq!(short, Err(Misuse::TooLittle { remaining: length }));
            }
            6 => {
                self.ending = Ending::Torn;
                writer.abort(client).expect("a message can be given up");
            }
            _ => {
                self.ending = Ending::Torn;
                drop(writer);
            }
        }
    }

    /// Rows begin and end, and what is in them is in them.
    fn check_row(&mut self, event: &Event) {
        match (event, self.row) {
            (Event::Row(_) | Event::UidRow(_), None) => self.row = Some(None),
            (Event::Item(_), Some(None)) => {}
            (Event::Literal { length, .. }, Some(None)) => self.row = Some(Some(*length)),
            (Event::Body(chunk), Some(Some(due))) => {
                assert!(!chunk.is_empty(), "a chunk of nothing");
                let left = due.checked_sub(chunk.len() as u64).expect("more than was announced");
                self.row = Some(Some(left));
            }
            (Event::LiteralEnd, Some(Some(0))) => self.row = Some(None),
            (Event::RowEnd, Some(None)) | (Event::RowAborted, Some(_)) => self.row = None,
            (
                Event::Row(_)
                | Event::UidRow(_)
                | Event::Item(_)
                | Event::Literal { .. }
                | Event::Body(_)
                | Event::LiteralEnd
                | Event::RowEnd
                | Event::RowAborted,
                row,
            ) => panic!("{event:?} with {row:?}"),
            _ => {}
        }
    }
}

impl Application<Client> for User<'_> {
    fn event(&mut self, client: &mut Client, event: Event) -> Note {
        self.check_row(&event);
        let words = format!("{event:?}");
        let words = words.split("ticket").next().unwrap_or_default().to_owned();
        match event {
            Event::Body(chunk) => return Note::body(&chunk),
            Event::Ready => {
                let choice = self.choices.next();
                self.queue(client, choice);
            }
            Event::Done { id, .. } => {
                self.close(id);
                // As long as there are choices, there is something to do.
                let choice = self.choices.next();
                if choice != 0 {
                    self.queue(client, choice);
                }
            }
            Event::NotSent { id, .. } => self.close(id),
            Event::Idling(_) => {
                let ends = self.choices.next() % 2 == 0;
                let ended = if ends { client.done() } else { Ok(()) };
                ended.expect("IDLE can be ended");
            }
            Event::Challenge(challenge) => self.challenge(client, challenge),
            Event::AppendReady(writer) => self.append(client, writer),
            Event::Expunge(_) | Event::Exists(_) => {
                assert!(client.mailbox().is_some() || client.running().next().is_some());
            }
            _ => {}
        }
        Note::event(words)
    }

    fn room(&mut self, client: &mut Client) -> bool {
        self.write(client)
    }

    fn late(&mut self, client: &mut Client) -> bool {
        if let Some(writer) = self.put_off.take() {
            let length = writer.length();
            self.writing = Some((writer, length));
            return true;
        }
        let Some(challenge) = self.kept.take() else { return false };
        challenge.respond(client, Secret::from("p")).expect("a late answer is none that is wrong");
        true
    }

    fn between(&mut self, client: &mut Client, now: Time) -> Time {
        let choice = self.choices.next();
        match choice {
            0 => {}
            0xf0..=0xf7 => {
                let later = now.after(std::time::Duration::from_secs(u64::from(choice % 8) * 300));
                client.handle_timeout(later);
                return later;
            }
            0xf8..=0xfb => drop(client.done()),
            0xfc..=0xfd => client.shutdown(now),
            0xfe..=0xff => client.handle_timeout(now),
            _ => self.queue(client, choice),
        }
        now
    }

    fn upgraded(
        &mut self,
        client: &mut Client,
        now: Time,
        upgrade: Upgrade,
        security: Security,
    ) -> Result<(), Misuse> {
        let layer = upgrade.layer();
        let early = upgrade.ahead().clone();
        client.upgraded(now, upgrade, security)?;
        if layer == Layer::Deflate {
            // What was compressed reads as it is here.
            client.handle_input(now, &early);
        }
        Ok(())
    }
}

/// Whether every command that was sent is one that our server's parser reads. From a literal on that waited for an
/// answer nobody can tell where the next command begins.
pub(super) fn check_commands(output: &[u8], complete: bool) {
    let mut rest = output;
    while let Some(length) = command_length(rest) {
        let Ok(length) = length else { return };
        let (line, behind) = rest.split_at(length);
        rest = behind;
        let line = Bytes::copy_from_slice(line.strip_suffix(b"\r\n").unwrap());
        // The answers to challenges, and the end of IDLE.
        if !line.contains(&b' ') {
            continue;
        }
        let mut context = ParseContext::server();
        context.utf8 = true;
        let read = parse::command(&line, &context);
        let utf7 = || parse::command(&line, &ParseContext::server());
        if let Err(error) = read.or_else(|_| utf7()) {
            assert!(line.windows(2).any(|pair| pair == b"\r\n"), "{}: {error}", line.escape_ascii());
        }
    }
    assert!(rest.is_empty() || !complete, "the last command is cut: {}", rest.escape_ascii());
}

/// Up to the end of a command; `None` when it has not come, an error where it waited for an answer.
fn command_length(octets: &[u8]) -> Option<Result<usize, ()>> {
    let mut at = 0;
    loop {
        let end = at + octets[at..].windows(2).position(|pair| pair == b"\r\n")?;
        let line = &octets[at..end];
        at = end + 2;
        match literal_marker(line) {
            LiteralMarker::Literal(header) if header.synchronising => return Some(Err(())),
            LiteralMarker::Literal(header) => {
                at += usize::try_from(header.len).unwrap();
                octets.get(at..)?;
            }
            _ => return Some(Ok(at)),
        }
    }
}

/// One of many commands.
fn queue(client: &mut Client, what: u8) -> Result<CommandId, Misuse> {
    let inbox = Mailbox::inbox;
    let drafts = || Mailbox::new("Entw\u{fc}rfe \"1\"").unwrap();
    let all = SequenceSet::all;
    let section = |peek| FetchAttribute::Section { section: Section::whole(), partial: None, peek };
    let keys = || SearchCommand { returns: None, charset: None, keys: vec![SearchKey::Unseen] };
    let message = AppendMessage::of;
    let by = if what & 0x40 == 0 { Addressing::Uid } else { Addressing::Sequence };
    match what % 64 {
        0 | 1 => client.login("joe", Secret::from("secret")),
        2 => client.authenticate("PLAIN", Some(Secret::from("\0u\0p"))),
        3 => client.authenticate("LOGIN", None),
        4 => client.login("j\no", Secret::from("two\r\nlines")),
        5 => client.noop(),
        6 => client.capability(),
        7 => client.id(IdParameters::default()),
        8 | 9 => client.select(inbox(), vec![]),
        10 => client.examine(drafts(), vec![SelectParameter::CondStore]),
        11 => client.select_qresync(
            inbox(),
            QResync { uid_validity: NonZeroU32::MIN, mod_seq: 7, known_uids: None, match_data: None },
        ),
        12 | 13 => client.fetch(all(), vec![FetchAttribute::Uid, FetchAttribute::Flags]),
        14 => client.fetch(all(), vec![section(true)]),
        15 => client.uid_fetch(all(), vec![FetchAttribute::Envelope, section(false)]),
        16 | 17 => client.append(inbox(), vec![Flag::Seen], None, 10),
        18 => client.append(drafts(), vec![Flag::Draft], None, 700),
        19 => client.append_all(inbox(), [message(5), message(0), message(350)]),
        20 => client.append(inbox(), vec![], None, 0),
        21 => {
            let parts = vec![
                AppendPart::Url(AString::new("/INBOX/;UID=1").unwrap()),
                AppendPart::Text(12),
                AppendPart::Url(AString::new("/INBOX/;UID=2").unwrap()),
            ];
            let content = AppendContent::Parts(parts);
            client.append_all(inbox(), [AppendMessage { content, ..message(0) }, message(3)])
        }
        22 => client.append_all(inbox(), [AppendMessage { content: AppendContent::Binary(9), ..message(0) }]),
        23 => client.append_all(inbox(), [AppendMessage { content: AppendContent::Utf8(9), ..message(0) }]),
        24 => client.replace(by, SequenceNumber::Largest, inbox(), message(20)),
        25 | 26 => client.idle(),
        27 => client.done().and_then(|()| client.noop()),
        28 => client.store(
            by,
            StoreCommand {
                set: all().into(),
                unchanged_since: None,
                action: StoreAction::Add,
                echo: StoreEcho::Report,
                flags: [Flag::Deleted].iter().cloned().collect(),
            },
        ),
        29 => client.copy(by, all(), drafts()),
        30 => client.move_messages(by, all(), inbox()),
        31 => client.expunge(),
        32 => client.uid_expunge(all()),
        33 | 34 => client.search(by, keys()),
        35 => client.list(inbox(), ListPattern::new("*").unwrap()),
        36 => client.lsub(Mailbox::new("").unwrap(), ListPattern::new("%").unwrap()),
        37 => client.status(drafts(), vec![StatusAttribute::Messages, StatusAttribute::UidNext]),
        38 => client.create(drafts()),
        39 => client.delete(drafts()),
        40 => client.rename(drafts(), Mailbox::new("b").unwrap()),
        41 => client.subscribe(drafts()),
        42 => client.unsubscribe(drafts()),
        43 => client.namespace(),
        44 => client.enable(vec![Capability::QResync, Capability::Utf8Accept]),
        45 => client.enable(vec![Capability::Imap4Rev2]),
        46 | 47 => client.compress_deflate(),
        48 => client.unauthenticate(),
        49 => client.notify(
            vec![EventGroup {
                mailboxes: MailboxFilter::Selected,
                events: vec![NotifyEvent::MessageNew(vec![FetchAttribute::Uid]), NotifyEvent::MessageExpunge],
            }],
            FirstStatus::Told,
        ),
        50 => client.notify_none(),
        51 => client.close(),
        52 => client.unselect(),
        53 => client.check(),
        54 => client.quota_root(inbox()),
        55 => client.acl(drafts()),
        56 => client.metadata(GetMetadata {
            mailbox: inbox(),
            max_size: Some(1_024),
            depth: MetadataDepth::default(),
            entries: vec![EntryName::new("/private/comment").unwrap()],
        }),
        57 => client.uid_batches(NonZeroU32::new(500).unwrap(), None),
        58 => client.command(Command::CompressDeflate),
        59 => client.my_rights(inbox()),
        60 | 61 => client.logout(),
        _ => client.noop(),
    }
}
