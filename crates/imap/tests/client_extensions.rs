//! Commands of extensions: what they need, what they look like, what comes back; and that nothing but the commands
//! that were asked for is ever sent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;
mod codec_support;

use client_support::{commands, drive, enabled, ready, say, selected, sent, step};
use codec_support::generate;
use core::num::NonZeroU32;
use posthaste_imap::client::{Client, Event, FirstStatus, MoveEnd, MoveSteps, Vanished};
use posthaste_imap::types::{
    AString, Addressing, Capability, Command, EventGroup, FetchAttribute, GetMetadata, ListPattern,
    ListReturn, ListSelection, Mailbox, MailboxFilter, MessageSet, MetadataDepth, NotifyEvent, ParseContext,
    PartialEnd, PartialRange, QResync, Rights, RightsChange, SearchCommand, SearchKey, SearchReturn,
    SequenceSet, SortCriterion, SortKey, SpecialUse, StatusAttribute, StoreAction, StoreCommand, StoreEcho,
    ThreadAlgorithm,
};
use posthaste_imap::{Layer, Misuse, Secret, Security, State, Step, Time, parse};
use proptest::prelude::*;

const EVERYTHING: &str = "ACL APPENDLIMIT BINARY CATENATE CHILDREN COMPRESS=DEFLATE CONDSTORE CONTEXT=SEARCH \
    CONTEXT=SORT CREATE-SPECIAL-USE ENABLE ESEARCH ESORT FILTERS I18NLEVEL=2 ID IDLE JMAPACCESS LANGUAGE LIST-EXTENDED \
    LIST-METADATA LIST-MYRIGHTS LIST-STATUS LITERAL+ METADATA MOVE MULTIAPPEND MULTISEARCH NAMESPACE NOTIFY OBJECTID \
    PARTIAL PREVIEW QRESYNC QUOTA QUOTASET QUOTA=RES-STORAGE QUOTA=RES-MESSAGE REPLACE SASL-IR SAVEDATE SEARCH=FUZZY \
    SEARCHRES SORT SORT=DISPLAY SPECIAL-USE STATUS=SIZE THREAD=REFERENCES THREAD=ORDEREDSUBJECT UIDBATCHES UIDPLUS \
    UNAUTHENTICATE UNSELECT URLAUTH UTF8=ACCEPT WITHIN X-GM-EXT-1 XLIST";

fn everything() -> Client {
    enabled(EVERYTHING, &[Capability::QResync])
}

proptest! {
    #[test]
    fn inj_08_inj_09_inj_10_every_command_goes_out_alone(
        command in generate::command(),
        plus in any::<bool>(),
    ) {
        // Messages have tests of their own.
        prop_assume!(!matches!(command, Command::Append(..) | Command::Replace(..)));
        let mut client = everything();
        if !plus {
            let without = EVERYTHING.replace("LITERAL+", "");
            say(&mut client, &format!("* CAPABILITY IMAP4rev1 {without}\r\n"));
        }
        let name = command.name();
        if client.command(command).is_err() {
            prop_assert_eq!(sent(&mut client), "", "what is refused leaves nothing");
            return Ok(());
        }
        let noop = client.noop().is_ok();
        let mut octets = Vec::new();
        for _ in 0..2_000 {
            let more = octets_of(&mut client);
            let waits = more.ends_with(b"}\r\n");
            octets.extend_from_slice(&more);
            if !waits {
                break;
            }
            say(&mut client, "+ go\r\n");
        }
        if name == "IDLE" {
            say(&mut client, "+ idling\r\n");
            client.done().unwrap();
            let done = octets_of(&mut client);
            prop_assert_eq!(done, b"DONE\r\n");
        }
        if name != "LOGOUT" && name != "COMPRESS" && name != "UNAUTHENTICATE" {
            say(&mut client, "A4 OK done\r\n");
            octets.extend_from_slice(&octets_of(&mut client));
        }
        let lines = commands(&octets);
        let context = ParseContext::server();
        let names: Vec<&str> = lines
            .iter()
            .map(|line| parse::command(line, &context).expect("a command by the strict grammar").command.name())
            .collect();
        let follows = noop && name != "COMPRESS" && name != "UNAUTHENTICATE" && name != "LOGOUT";
        let expected: Vec<&str> = [name].into_iter().chain(follows.then_some("NOOP")).collect();
        prop_assert_eq!(names, expected);
    }
}

fn octets_of(client: &mut Client) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = client.poll_transmit() {
        all.extend_from_slice(&bytes);
    }
    all
}

fn one() -> SequenceSet {
    SequenceSet::single(NonZeroU32::MIN)
}

fn text(text: &'static str) -> AString {
    AString::new(text).unwrap()
}

fn name(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

type Call = fn(&mut Client) -> Result<posthaste_imap::client::CommandId, Misuse>;

/// What a command needs announced, the call, and what it looks like.
const TABLE: [(&str, Call, &str); 39] = [
    ("ACL", |c| c.acl(Mailbox::inbox()), "GETACL INBOX"),
    ("ACL", |c| c.my_rights(Mailbox::inbox()), "MYRIGHTS INBOX"),
    ("ACL", |c| c.list_rights(Mailbox::inbox(), text("joe")), "LISTRIGHTS INBOX joe"),
    ("ACL", |c| c.delete_acl(Mailbox::inbox(), text("joe")), "DELETEACL INBOX joe"),
    (
        "ACL",
        |c| c.set_acl(Mailbox::inbox(), text("joe"), RightsChange::Add(Rights::new("lr").unwrap())),
        "SETACL INBOX joe +lr",
    ),
    ("QUOTA", |c| c.quota(text("")), "GETQUOTA \"\""),
    ("QUOTA", |c| c.quota_root(Mailbox::inbox()), "GETQUOTAROOT INBOX"),
    ("QUOTASET", |c| c.set_quota(text("x"), vec![]), "SETQUOTA x ()"),
    (
        "METADATA",
        |c| {
            c.metadata(GetMetadata {
                mailbox: Mailbox::inbox(),
                entries: vec![posthaste_imap::types::EntryName::new("/private/comment").unwrap()],
                max_size: None,
                depth: MetadataDepth::Zero,
            })
        },
        "GETMETADATA INBOX /private/comment",
    ),
    (
        "METADATA-SERVER",
        |c| {
            let name = posthaste_imap::types::EntryName::new("/shared/admin").unwrap();
            let entry = posthaste_imap::types::MetadataEntry { name, value: None };
            c.set_metadata(Mailbox::new("").unwrap(), vec![entry])
        },
        "SETMETADATA \"\" (/shared/admin NIL)",
    ),
    (
        "CREATE-SPECIAL-USE",
        |c| c.create_with_use(name("x"), vec![SpecialUse::Sent]),
        "CREATE x (USE (\\Sent))",
    ),
    (
        "LIST-EXTENDED SPECIAL-USE LIST-STATUS",
        |c| {
            c.list_extended(
                vec![ListSelection::SpecialUse],
                name(""),
                vec![ListPattern::new("*").unwrap()],
                vec![ListReturn::Status(vec![StatusAttribute::Messages])],
            )
        },
        "LIST (SPECIAL-USE) \"\" (*) RETURN (STATUS (MESSAGES))",
    ),
    ("STATUS=SIZE", |c| c.status(Mailbox::inbox(), vec![StatusAttribute::Size]), "STATUS INBOX (SIZE)"),
    (
        "CONDSTORE",
        |c| c.status(Mailbox::inbox(), vec![StatusAttribute::HighestModSeq]),
        "STATUS INBOX (HIGHESTMODSEQ)",
    ),
    (
        "APPENDLIMIT",
        |c| c.status(Mailbox::inbox(), vec![StatusAttribute::AppendLimit]),
        "STATUS INBOX (APPENDLIMIT)",
    ),
    (
        "OBJECTID",
        |c| c.status(Mailbox::inbox(), vec![StatusAttribute::MailboxId]),
        "STATUS INBOX (MAILBOXID)",
    ),
    ("OBJECTID", |c| c.fetch(one(), vec![FetchAttribute::EmailId]), "FETCH 1 (EMAILID)"),
    ("PREVIEW", |c| c.fetch(one(), vec![FetchAttribute::Preview { lazy: true }]), "FETCH 1 (PREVIEW (LAZY))"),
    ("SAVEDATE", |c| c.fetch(one(), vec![FetchAttribute::SaveDate]), "FETCH 1 (SAVEDATE)"),
    ("BINARY", |c| c.fetch(one(), vec![FetchAttribute::BinarySize(None)]), "FETCH 1 (BINARY.SIZE[])"),
    (
        "CONDSTORE",
        |c| c.uid_fetch_changed(one(), vec![FetchAttribute::Flags], 7, Vanished::NotTold),
        "UID FETCH 1 (FLAGS) (CHANGEDSINCE 7)",
    ),
    (
        "PARTIAL",
        |c| {
            let page = PartialRange::new(PartialEnd::Newest, NonZeroU32::MIN, NonZeroU32::new(9).unwrap());
            c.uid_fetch_page(one(), page, vec![FetchAttribute::Flags])
        },
        "UID FETCH 1 (FLAGS) (PARTIAL -1:-9)",
    ),
    (
        "CONDSTORE",
        |c| {
            c.store(
                Addressing::Uid,
                StoreCommand {
                    set: one().into(),
                    unchanged_since: Some(5),
                    action: StoreAction::Add,
                    echo: StoreEcho::Silent,
                    flags: [posthaste_imap::types::Flag::Seen].into(),
                },
            )
        },
        "UID STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Seen)",
    ),
    (
        "SORT",
        |c| c.sort(Addressing::Uid, vec![SortCriterion::reverse(SortKey::Date)], vec![SearchKey::All], None),
        "UID SORT (REVERSE DATE) UTF-8 ALL",
    ),
    (
        "SORT ESORT",
        |c| {
            let criteria = vec![SortCriterion::ascending(SortKey::Date)];
            c.sort(Addressing::Uid, criteria, vec![SearchKey::All], Some(vec![SearchReturn::Count]))
        },
        "UID SORT RETURN (COUNT) (DATE) UTF-8 ALL",
    ),
    (
        "THREAD=REFERENCES",
        |c| c.thread(Addressing::Uid, ThreadAlgorithm::References, vec![SearchKey::All]),
        "UID THREAD REFERENCES UTF-8 ALL",
    ),
    (
        "MULTISEARCH",
        |c| c.search_mailboxes(vec![MailboxFilter::Personal], search(Some(vec![]), SearchKey::Unseen)),
        "ESEARCH IN (PERSONAL) RETURN () UNSEEN",
    ),
    ("SEARCHRES", |c| c.search(Addressing::Uid, search(None, SearchKey::Saved)), "UID SEARCH $"),
    (
        "WITHIN",
        |c| c.search(Addressing::Uid, search(None, SearchKey::Older(NonZeroU32::MIN))),
        "UID SEARCH OLDER 1",
    ),
    ("SEARCHRES", |c| c.command(Command::UidExpunge(MessageSet::Saved)), "UID EXPUNGE $"),
    ("UIDBATCHES", |c| c.uid_batches(NonZeroU32::new(500).unwrap(), None), "UIDBATCHES 500"),
    (
        "NOTIFY",
        |c| {
            let group = EventGroup {
                mailboxes: MailboxFilter::Subscribed,
                events: vec![NotifyEvent::MessageNew(vec![]), NotifyEvent::MessageExpunge],
            };
            c.notify(vec![group], FirstStatus::Told)
        },
        "NOTIFY SET STATUS (SUBSCRIBED (MessageNew MessageExpunge))",
    ),
    ("NOTIFY", Client::notify_none, "NOTIFY NONE"),
    ("LANGUAGE", |c| c.language(vec![text("de")]), "LANGUAGE de"),
    ("I18NLEVEL=2", |c| c.comparator(vec![]), "COMPARATOR"),
    ("JMAPACCESS", Client::jmap_access, "GETJMAPACCESS"),
    ("COMPRESS=DEFLATE", Client::compress_deflate, "COMPRESS DEFLATE"),
    ("UNAUTHENTICATE", Client::unauthenticate, "UNAUTHENTICATE"),
    ("UNSELECT", Client::unselect, "UNSELECT"),
];

fn search(returns: Option<Vec<SearchReturn>>, key: SearchKey) -> SearchCommand {
    SearchCommand { returns, charset: None, keys: vec![key] }
}

#[test]
fn each_extension_is_used_where_it_is_announced_and_nowhere_else() {
    for (capability, call, line) in TABLE {
        let mut without = selected("");
        let refused = call(&mut without);
        assert!(matches!(refused, Err(Misuse::NotNow { .. })), "{line}: {refused:?}");
        assert_eq!(sent(&mut without), "", "{line}");
        let more = if line.starts_with("UID EXPUNGE") { " UIDPLUS" } else { "" };
        let mut with = selected(&format!("{capability}{more}"));
        call(&mut with).unwrap_or_else(|misuse| panic!("{line}: {misuse}"));
        assert_eq!(sent(&mut with), format!("A3 {line}\r\n"));
    }
}

#[test]
fn what_has_to_be_enabled_is_refused_until_it_is() {
    let known = || QResync { uid_validity: NonZeroU32::MIN, mod_seq: 1, known_uids: None, match_data: None };
    let mut client = ready("IMAP4rev1 CONDSTORE QRESYNC ENABLE");
    client.login("joe", Secret::from("pw")).unwrap();
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 CONDSTORE QRESYNC ENABLE] in\r\n");
    sent(&mut client);
    assert!(client.select_qresync(Mailbox::inbox(), known()).is_err());
    let changed = |client: &mut Client, vanished| {
        client.uid_fetch_changed(one(), vec![FetchAttribute::Flags], 7, vanished)
    };
    client.enable(vec![Capability::QResync]).unwrap();
    client.select_qresync(Mailbox::inbox(), known()).unwrap();
    sent(&mut client);
    // The server does not confirm: SELECT does not go out.
    assert_eq!(say(&mut client, "A2 OK on\r\n"), ["Done CommandId(2) Ok", "NotSent CommandId(3)"]);
    client.select(Mailbox::inbox(), vec![]).unwrap();
    say(&mut client, "A3 OK open\r\n");
    assert!(changed(&mut client, Vanished::Told).is_err());
    let mut client = enabled("CONDSTORE QRESYNC", &[Capability::QResync]);
    assert!(client.is_enabled("condstore"));
    client.noop().unwrap();
    say(&mut client, "A4 OK\r\n");
    changed(&mut client, Vanished::Told).unwrap();
    assert!(sent(&mut client).ends_with("A5 UID FETCH 1 (FLAGS) (CHANGEDSINCE 7 VANISHED)\r\n"));
    say(&mut client, "A5 OK\r\n");
    client.select_qresync(Mailbox::inbox(), known()).unwrap();
    assert_eq!(sent(&mut client), "A6 SELECT INBOX (QRESYNC (1 1))\r\n");
}

#[test]
fn nothing_is_enabled_that_was_not_asked_for() {
    let mut client = selected("ENABLE UTF8=ACCEPT");
    let events = say(&mut client, "* ENABLED UTF8=ACCEPT\r\n");
    assert_eq!(events, ["Violation ENABLED is not possible in this state"]);
    assert!(client.enabled().is_empty());
    client.list(name(""), ListPattern::new("ä").unwrap()).unwrap();
    assert_eq!(sent(&mut client), "A3 LIST \"\" &AOQ-\r\n", "names are as they were");
}

#[test]
fn with_uidonly_there_are_no_message_numbers() {
    let mut client = ready("IMAP4rev1 ENABLE UIDONLY");
    client.login("joe", Secret::from("pw")).unwrap();
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 ENABLE UIDONLY] in\r\n");
    client.enable(vec![Capability::UidOnly]).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    assert!(client.fetch(one(), vec![FetchAttribute::Flags]).is_err(), "taken for enabled");
    say(&mut client, "* ENABLED UIDONLY\r\nA2 OK on\r\n");
    say(&mut client, "* 5 EXISTS\r\nA3 OK open\r\n");
    assert!(client.search(Addressing::Uid, search(None, SearchKey::Sequence(one()))).is_err());
    client.uid_fetch(one(), vec![FetchAttribute::Flags]).unwrap();
    let events = say(&mut client, "* 25996 UIDFETCH (FLAGS (\\Seen))\r\n* VANISHED 405\r\nA4 OK\r\n");
    assert_eq!(events[0], "UidRow(25996)");
    assert_eq!(events[1..3], ["Item Flags([Seen])", "RowEnd"]);
    assert_eq!(client.mailbox().unwrap().exists, 4);
}

#[test]
fn a_queue_behind_login_is_judged_by_what_the_server_says_then() {
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("pw")).unwrap();
    let quota = client.quota(text("")).unwrap();
    client.acl(Mailbox::inbox()).unwrap();
    let events = say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 ACL] in\r\n");
    assert_eq!(events, ["Capability", "Done CommandId(1) Ok", &format!("NotSent {quota:?}")]);
    assert!(sent(&mut client).ends_with("A2 GETACL INBOX\r\n"));
}

#[test]
fn the_data_of_extensions_comes_as_events() {
    let mut client = everything();
    let data = [
        ("* QUOTA \"\" (STORAGE 10 512)", "Quota"),
        ("* QUOTAROOT INBOX \"\"", "QuotaRoot"),
        ("* ACL INBOX joe lr", "Acl"),
        ("* MYRIGHTS INBOX lr", "MyRights"),
        ("* LISTRIGHTS INBOX joe \"\" l r", "ListRights"),
        ("* METADATA INBOX (/private/comment {2}\r\nhi)", "Metadata"),
        ("* SORT 2 3 1", "Sort"),
        ("* THREAD (1 2)(3)", "Thread"),
        ("* ESEARCH (TAG \"A9\") UID COUNT 3", "Esearch"),
        ("* UIDBATCHES (TAG \"A9\") 9:5,4:1", "UidBatches"),
        ("* XLIST (\\Sent) \"/\" Sent", "XList"),
        ("* LANGUAGE (de)", "Language"),
        ("* STATUS other (MESSAGES 1 UIDNEXT 2)", "Status"),
        ("* OK [NOTIFICATIONOVERFLOW] too much", "Untagged"),
        ("* OK [INPROGRESS (\"A9\" 1 10)] working", "Untagged"),
    ];
    for (line, event) in data {
        let events = say(&mut client, &format!("{line}\r\n"));
        assert!(events.len() == 1 && events[0].starts_with(event), "{line}: {events:?}");
    }
}

#[test]
fn esearch_names_the_tag_of_its_command() {
    let mut client = selected("ESEARCH");
    let returns = Some(vec![SearchReturn::Count]);
    let first = client.search(Addressing::Uid, search(returns.clone(), SearchKey::All)).unwrap();
    let second = client.search(Addressing::Uid, search(returns, SearchKey::Unseen)).unwrap();
    assert!(sent(&mut client).ends_with("A4 UID SEARCH RETURN (COUNT) UNSEEN\r\n"), "both at once");
    let tags = [first, second].map(|id| client.tag(id).unwrap().as_str().to_owned());
    assert_eq!(tags, ["A3", "A4"]);
    client.handle_input(Time::ZERO, b"* ESEARCH (TAG \"A4\") UID COUNT 1\r\n");
    let Step::Event(Event::Esearch(found)) = step(&mut client) else { panic!() };
    assert_eq!(found.tag.unwrap().as_bytes(), client.tag(second).unwrap().as_bytes());
}

#[test]
fn compress_changes_the_layer_and_nothing_else() {
    let mut client = selected("COMPRESS=DEFLATE UNAUTHENTICATE");
    client.compress_deflate().unwrap();
    client.noop().unwrap();
    assert_eq!(sent(&mut client), "A3 COMPRESS DEFLATE\r\n");
    // What follows the line is compressed already.
    client.handle_input(Time::ZERO, b"A3 OK active\r\n\x01\x02\x03");
    assert!(matches!(step(&mut client), Step::Event(Event::Done { .. })));
    client.handle_input(Time::ZERO, b"\x04");
    let Step::Upgrade(upgrade) = step(&mut client) else { panic!() };
    assert_eq!(upgrade.layer(), Layer::Deflate);
    assert_eq!(upgrade.ahead(), &b"\x01\x02\x03\x04"[..]);
    assert!(matches!(step(&mut client), Step::Paused));
    assert_eq!(sent(&mut client), "", "nothing goes out between the layers");
    client.upgraded(Time::ZERO, upgrade, Security::Tls).unwrap();
    assert_eq!(sent(&mut client), "A4 NOOP\r\n");
    assert_eq!(say(&mut client, "* 6 EXISTS\r\nA4 OK\r\n"), ["Exists 6", "Done CommandId(4) Ok"]);
    assert_eq!(client.state(), State::Selected);
    assert!(client.is_compressed() && client.has_capability("COMPRESS=DEFLATE"));
    assert!(client.compress_deflate().is_err() && client.unauthenticate().is_err());
    let mut refused = selected("COMPRESS=DEFLATE");
    refused.compress_deflate().unwrap();
    assert_eq!(say(&mut refused, "A3 NO [COMPRESSIONACTIVE] no\r\n"), ["Done CommandId(3) No"]);
    assert!(!refused.is_compressed());
}

#[test]
fn unauthenticate_forgets_the_user() {
    let enabling = [Capability::QResync, Capability::Utf8Accept];
    let mut client = enabled("UNAUTHENTICATE QRESYNC UTF8=ACCEPT", &enabling);
    client.unauthenticate().unwrap();
    client.login("ann", Secret::from("pw")).unwrap();
    client.select(name("ä"), vec![]).unwrap();
    assert_eq!(sent(&mut client), "A4 UNAUTHENTICATE\r\n");
    assert_eq!(say(&mut client, "A4 OK\r\n"), ["Done CommandId(4) Ok"]);
    assert!(client.mailbox().is_none() && client.enabled().is_empty() && client.capabilities().is_empty());
    assert_eq!(client.state(), State::NotAuthenticated);
    assert_eq!(sent(&mut client), "A5 CAPABILITY\r\n");
    say(&mut client, "* CAPABILITY IMAP4rev1\r\nA5 OK\r\n");
    assert_eq!(sent(&mut client), "A6 LOGIN ann pw\r\n");
    say(&mut client, "A6 OK [CAPABILITY IMAP4rev1] in\r\n");
    assert_eq!(sent(&mut client), "A7 SELECT &AOQ-\r\n", "UTF-8 is no longer enabled");
}

#[test]
fn moving_is_told_in_steps_where_there_is_no_move() {
    let steps = |capabilities: &str| selected(capabilities).move_steps(&one(), name("x"));
    assert!(matches!(steps("MOVE").commands.as_slice(), [Command::Move(Addressing::Uid, _)]));
    let MoveSteps { commands, end } = steps("UIDPLUS");
    assert_eq!(end, MoveEnd::Gone);
    let mut client = selected("UIDPLUS");
    for command in commands {
        client.command(command).unwrap();
    }
    let lines = "A3 UID COPY 1 x\r\nA4 UID STORE 1 +FLAGS.SILENT (\\Deleted)\r\nA5 UID EXPUNGE 1\r\n";
    assert_eq!(sent(&mut client), lines);
    let MoveSteps { commands, end } = steps("");
    assert_eq!((commands.len(), end), (2, MoveEnd::Marked), "EXPUNGE would take others along");
}

#[test]
fn hst_01_lengths_that_are_none_or_too_many() {
    for length in ["18446744073709551616", "99999999999999999999", "-1", ""] {
        let mut client = selected("");
        client.handle_input(Time::ZERO, format!("* 1 FETCH (BODY[] {{{length}}}\r\n").as_bytes());
        let mut events = 0;
        let error = loop {
            match client.poll_event() {
                Ok(Step::Event(_)) => events += 1,
                Ok(_) => panic!("{length}"),
                Err(error) => break error,
            }
        };
        use posthaste_imap::client::ProtocolError::{MalformedLiteral, ResponseTooLong};
        assert!(matches!(error, MalformedLiteral | ResponseTooLong { .. }), "{length}: {events} {error:?}");
    }
    // Whatever is announced streams; nothing is allocated from it.
    let mut client = selected("");
    let events = say(&mut client, "* 1 FETCH (BODY[] {18446744073709551615}\r\nabc");
    assert_eq!(events.last().unwrap(), "Body abc");
    let mut client = selected("");
    client.handle_input(Time::ZERO, b"* LIST () \"/\" {4294967295}\r\n");
    let error = client.poll_event().unwrap_err();
    assert!(matches!(error, posthaste_imap::client::ProtocolError::ResponseTooLong { .. }), "{error:?}");
}

#[test]
fn hst_04_nesting_is_bounded() {
    for (start, end) in [("* THREAD ", ""), ("* NAMESPACE ", ""), ("* LIST () \"/\" x ", "")] {
        let mut client = selected("");
        let text = format!("{start}{}{end}\r\n", "(".repeat(100_000));
        let events = say(&mut client, &text);
        assert!(events.iter().all(|event| event.starts_with("Violation")), "{start}: {events:?}");
    }
    let mut client = selected("");
    let open = "(".repeat(100_000);
    let text = format!("* 1 FETCH (BODYSTRUCTURE {open}{} UID 3)\r\n", ")".repeat(100_000));
    let events = say(&mut client, &text);
    assert!(events.iter().any(|event| event.starts_with("Item Opaque")));
    assert!(events.contains(&"Item Uid(3)".to_owned()) && events.last().unwrap() == "RowEnd");
}

#[test]
fn a_body_of_nothing_comes_at_once() {
    let mut client = selected("");
    let events = say(&mut client, "* 1 FETCH (BODY[] {0}\r\n FLAGS ())\r\n");
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(drive(&mut client).len(), 0);
}
