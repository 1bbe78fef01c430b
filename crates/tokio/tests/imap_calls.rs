//! The calls of the IMAP client, one by one: what each sends, and what it makes of the answer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::num::NonZeroU32;

use common::endpoint;
use common::script::{heard, talk};
use posthaste_imap::types::{
    AString, Addressing, BodyStructure, Capability, EntryName, EventGroup, FetchAttribute, FetchModifiers,
    Flag, GetMetadata, IdParameters, ListPattern, Mailbox, MailboxFilter, MetadataDepth, MetadataEntry,
    NotifyEvent, PartialEnd, PartialRange, ResponseCode, SearchKey, SearchReturn, SelectParameter,
    SequenceNumber, SequenceSet, SortCriterion, SortKey, StoreAction, StoreCommand, StoreEcho,
    ThreadAlgorithm, UidSet,
};
use posthaste_tokio::imap::{Append, AppendPart, Appended, Client, Error, FirstStatus, Row, Update};
use posthaste_tokio::{Cause, ClientOptions, Credentials, Phase, Protocol, Retry, Stream, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn text(text: &'static str) -> AString {
    AString::new(text).unwrap()
}

fn inbox() -> Mailbox {
    Mailbox::inbox()
}

fn one(number: u32) -> SequenceSet {
    SequenceSet::single(n(number))
}

fn uids(from: u32, to: u32) -> UidSet {
    UidSet::new([n(from)..=n(to)])
}

#[tokio::test(start_paused = true)]
async fn several_messages_are_added_by_one_command() {
    let (client, server) = talk(
        "MULTIAPPEND UIDPLUS",
        &[(
            "APPEND INBOX (\\Seen) {5}\r\nfirst {6}\r\nsecond (\\Draft) {5}\r\nthird",
            "@ OK [APPENDUID 7 3:5] done\r\n",
        )],
    )
    .await;
    let second = Append::from_reader(std::io::Cursor::new("second"), 6);
    let messages = [
        Append::new("first").with_flags([Flag::Seen]),
        second,
        Append::new("third").with_flags([Flag::Draft]),
    ];
    let added = client.append_all(inbox(), messages).await.unwrap();
    let expected = [3, 4, 5].map(|uid| Appended { uid_validity: n(7), uid: n(uid) });
    assert_eq!(added, expected);
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn several_messages_need_a_server_that_has_a_place_for_them() {
    let (client, server) = talk("", &[("NOOP", "")]).await;
    let error = client.append_all(inbox(), [Append::new("a"), Append::new("b")]).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Connection(_)), "{error}");
    assert_eq!((error.phase(), error.retry()), (Phase::Call, Retry::Never));
    assert!(client.append_all(inbox(), []).await.is_err());
    client.noop().await.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_message_that_is_refused_ends_the_command_and_not_the_session() {
    let (client, server) = talk(
        "MULTIAPPEND",
        &[("APPEND INBOX {5}\r\nfirst {6}", "REFUSE @ NO [OVERQUOTA] enough\r\n"), ("NOOP", "")],
    )
    .await;
    let error = client.append_all(inbox(), [Append::new("first"), Append::new("second")]).await.unwrap_err();
    assert_eq!(error.code().as_deref(), Some("OVERQUOTA"));
    client.noop().await.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn only_a_last_message_that_was_sent_makes_the_fate_of_all_unknown() {
    // The server goes away while it reads the second message, and once it has read it.
    for (octets, retry) in [(5, Retry::Safe), (6, Retry::Unknown)] {
        let (near, far) = duplex(64 * 1024);
        let server = tokio::spawn(async move {
            let mut near = BufReader::new(near);
            near.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 MULTIAPPEND] hello\r\n").await.unwrap();
            for literal in [5, octets] {
                near.read_line(&mut String::new()).await.unwrap();
                near.write_all(b"+ go\r\n").await.unwrap();
                near.read_exact(&mut vec![0; literal]).await.unwrap();
            }
            if octets == 6 {
                near.read_line(&mut String::new()).await.unwrap();
            }
        });
        let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
        let client = Client::over(Stream::local(far), &endpoint, &ClientOptions::default()).await.unwrap();
        // The last octet of the message comes only after the server has gone.
        let (tail, held) = duplex(16);
        let second = tokio::io::AsyncReadExt::chain(std::io::Cursor::new("secon"), held);
        let messages = [Append::new("first"), Append::from_reader(second, 6)];
        let sending = client.append_all(inbox(), messages);
        let feeding = async move {
            let mut tail = tail;
            if octets == 6 {
                tail.write_all(b"d").await.unwrap();
                tail.shutdown().await.unwrap();
            }
            server.await.unwrap();
            tail
        };
        let (sent, _) = tokio::join!(sending, feeding);
        let error = sent.unwrap_err();
        assert_eq!(error.retry(), retry, "{octets}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_takes_the_place_of_another() {
    let (client, server) = talk(
        "REPLACE UIDPLUS",
        &[
            ("SELECT INBOX", "* 2 EXISTS\r\n"),
            (
                "UID REPLACE 4 Drafts (\\Draft) {5}\r\ndraft",
                "* OK [APPENDUID 7 9] there\r\n* 3 EXISTS\r\n* 2 EXPUNGE\r\n",
            ),
            ("REPLACE 1 INBOX {3}\r\nnew", "@ OK [APPENDUID 7 10] done\r\n"),
        ],
    )
    .await;
    client.select(inbox()).await.unwrap();
    let mut updates = client.updates();
    let draft = Append::new("draft").with_flags([Flag::Draft]);
    let by = SequenceNumber::Number(n(4));
    let put = client.replace(Addressing::Uid, by, Mailbox::new("Drafts").unwrap(), draft).await.unwrap();
    assert_eq!(put, Some(Appended { uid_validity: n(7), uid: n(9) }));
    assert!(matches!(updates.try_next(), Some(Update::Exists(3))));
    assert!(matches!(updates.try_next(), Some(Update::Expunge(number)) if number == n(2)));
    let by = SequenceNumber::Number(n(1));
    let put = client.replace(Addressing::Sequence, by, inbox(), Append::new("new")).await.unwrap();
    assert_eq!(put.unwrap().uid, n(10));
    assert!(updates.try_next().is_none());
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn a_row_gives_what_is_mostly_asked_for() {
    let (client, server) = talk(
        "",
        &[
            ("SELECT INBOX", ""),
            (
                "FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)",
                "* 1 FETCH (INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 UID 7 \
             BODY (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 2279 48) FLAGS (\\Seen))\r\n\
             * 2 FETCH (BODY (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1) \
             BODYSTRUCTURE (\"TEXT\" \"HTML\" NIL NIL NIL \"7BIT\" 5 1 NIL NIL NIL NIL))\r\n",
            ),
        ],
    )
    .await;
    client.select(inbox()).await.unwrap();
    let mut rows = client.fetch(SequenceSet::all(), FetchAttribute::FULL).await.unwrap();
    let octets = |row: &Row| match row.body_structure() {
        Some(BodyStructure::Part(part)) => part.octets,
        other => panic!("{other:?}"),
    };
    let first = rows.next().await.unwrap().unwrap();
    assert_eq!((first.number(), first.uid(), first.size()), (Some(n(1)), Some(n(7)), Some(4286)));
    assert_eq!(first.internal_date().unwrap().unix_seconds(), 837_596_665);
    assert!(first.flags().unwrap().contains(&Flag::Seen) && first.envelope().is_none());
    assert_eq!(octets(&first), 2279);
    // The one that tells more.
    let second = rows.next().await.unwrap().unwrap();
    assert_eq!((second.size(), second.internal_date(), octets(&second)), (None, None, 5));
    drop((first, second, rows));
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_put_together_of_parts() {
    let (client, server) = talk(
        "CATENATE BINARY",
        &[
            ("APPEND INBOX CATENATE (URL /INBOX;UID=1 TEXT {3}\r\nabc URL /x TEXT {2}\r\nde)", ""),
            ("APPEND INBOX CATENATE (URL /INBOX;UID=1)", "@ NO [BADURL \"/INBOX;UID=1\"] gone\r\n"),
            ("APPEND INBOX ~{3}\r\na\0b", ""),
        ],
    )
    .await;
    let url = || AppendPart::url(text("/INBOX;UID=1"));
    let reader = AppendPart::from_reader(std::io::Cursor::new("de"), 2);
    let parts = [url(), AppendPart::text("abc"), AppendPart::url(text("/x")), reader];
    assert_eq!(client.append(inbox(), Append::from_parts(parts)).await.unwrap(), None);
    let error = client.append(inbox(), Append::from_parts([url()])).await.unwrap_err();
    assert!(error.refusal().is_some(), "{error}");
    assert_eq!(error.phase(), Phase::Change);
    client.append(inbox(), Append::new("a\0b").as_binary()).await.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn where_moved_messages_are_is_told_before_they_go() {
    let (client, server) = talk(
        "MOVE UIDPLUS",
        &[
            ("SELECT INBOX", "* 2 EXISTS\r\n"),
            ("UID MOVE 4 Archive", "* OK [COPYUID 7 4 11] moved\r\n* 2 EXPUNGE\r\n"),
        ],
    )
    .await;
    client.select(inbox()).await.unwrap();
    let (copied, _) = client.move_messages(one(4), Mailbox::new("Archive").unwrap()).await.unwrap();
    let copied = copied.unwrap();
    assert_eq!((copied.uid_validity, copied.target), (n(7), uids(11, 11)));
    heard(client, server).await;
}

fn unless_changed_since(mod_seq: u64, echo: StoreEcho) -> StoreCommand {
    StoreCommand {
        set: SequenceSet::all().into(),
        unchanged_since: Some(mod_seq),
        action: StoreAction::Add,
        echo,
        flags: [Flag::Answered].into(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_conditional_store_says_what_it_left_alone() {
    let (client, server) = talk(
        "CONDSTORE",
        &[
            ("SELECT INBOX (CONDSTORE)", "* 3 EXISTS\r\n* OK [HIGHESTMODSEQ 20] so far\r\n"),
            (
                "UID STORE 1:* (UNCHANGEDSINCE 20) +FLAGS.SILENT (\\Answered)",
                "* 1 FETCH (UID 4 MODSEQ (21))\r\n* 3 FETCH (UID 9 MODSEQ (22))\r\n\
                 @ OK [MODIFIED 7] conditional\r\n",
            ),
            (
                "STORE 1:* (UNCHANGEDSINCE 22) +FLAGS (\\Answered)",
                "* 1 FETCH (FLAGS (\\Answered) MODSEQ (23))\r\n@ NO [MODIFIED 2] some are gone\r\n",
            ),
            ("STORE 1:* (UNCHANGEDSINCE 99) +FLAGS.SILENT (\\Answered)", ""),
        ],
    )
    .await;
    let opened = client.select_with(inbox(), [SelectParameter::CondStore]).await.unwrap();
    assert_eq!(opened.highest_mod_seq, Some(20));
    let mut updates = client.updates();
    let stored =
        client.store_with(Addressing::Uid, unless_changed_since(20, StoreEcho::Silent)).await.unwrap();
    let changed: Vec<_> = stored.changed.iter().map(|changed| (changed.uid, changed.mod_seq)).collect();
    assert_eq!(changed, [(Some(n(4)), Some(21)), (Some(n(9)), Some(22))]);
    assert_eq!(stored.modified, Some(one(7)));
    assert!(updates.try_next().is_none(), "answers are no news");

    let refused = client.store_with(Addressing::Sequence, unless_changed_since(22, StoreEcho::Report)).await;
    let error = refused.unwrap_err();
    let code = error.refusal().and_then(|status| status.code.as_ref());
    assert!(matches!(code, Some(ResponseCode::Modified(left)) if *left == one(2)), "{error}");
    assert!(matches!(
        updates.try_next(),
        Some(Update::Changed(changed)) if changed.number == Some(n(1)) && changed.mod_seq == Some(23)
    ));

    let all = client.store_with(Addressing::Sequence, unless_changed_since(99, StoreEcho::Silent)).await;
    assert_eq!(all.unwrap().modified, None);
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn a_conditional_store_needs_condstore() {
    let (client, server) = talk("", &[("SELECT INBOX", "* 3 EXISTS\r\n")]).await;
    client.select(inbox()).await.unwrap();
    let store = unless_changed_since(1, StoreEcho::Report);
    let error = client.store_with(Addressing::Uid, store).await.unwrap_err();
    assert_eq!((error.phase(), error.retry()), (Phase::Call, Retry::Never));
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn only_what_changed_is_fetched() {
    let (client, server) = talk(
        "CONDSTORE QRESYNC ENABLE",
        &[
            ("ENABLE QRESYNC", "* ENABLED QRESYNC\r\n"),
            ("SELECT INBOX", "* 3 EXISTS\r\n* OK [HIGHESTMODSEQ 20] so far\r\n"),
            (
                "UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12 VANISHED)",
                "* VANISHED (EARLIER) 5:6\r\n* 2 FETCH (UID 7 FLAGS (\\Seen) MODSEQ (13))\r\n",
            ),
        ],
    )
    .await;
    let enabled = client.enable([Capability::QResync]).await.unwrap();
    assert_eq!(enabled, [Capability::QResync]);
    assert!(client.enabled().await.unwrap().contains(&Capability::QResync));
    client.select(inbox()).await.unwrap();
    let mut updates = client.updates();
    let modifiers = FetchModifiers { changed_since: Some(12), vanished: true, partial: None };
    let attributes = [FetchAttribute::Flags];
    let mut rows =
        client.fetch_with(Addressing::Uid, SequenceSet::all(), attributes, modifiers).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    assert_eq!((row.uid(), row.flags().map(|flags| flags.contains(&Flag::Seen))), (Some(n(7)), Some(true)));
    assert!(rows.next().await.unwrap().is_none());
    let gone = updates.try_next();
    assert!(matches!(&gone, Some(Update::VanishedEarlier(gone)) if *gone == uids(5, 6)), "{gone:?}");
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_found_in_every_form() {
    let (client, server) = talk(
        "ESEARCH PARTIAL SORT ESORT CONTEXT=SEARCH THREAD=REFERENCES MULTISEARCH UIDBATCHES",
        &[
            ("SELECT INBOX", "* 9 EXISTS\r\n"),
            (
                "UID SEARCH RETURN (COUNT PARTIAL -1:-2) UNSEEN",
                "* ESEARCH (TAG \"@\") UID COUNT 5 PARTIAL (-1:-2 8:9)\r\n",
            ),
            ("UID SORT (REVERSE DATE) UTF-8 ALL", "* SORT 9 3 5\r\n"),
            ("UID SORT RETURN (MIN COUNT) (DATE) UTF-8 ALL", "* ESEARCH (TAG \"@\") UID MIN 3 COUNT 4\r\n"),
            ("UID THREAD REFERENCES UTF-8 ALL", "* THREAD (1)(2 3)\r\n"),
            (
                "ESEARCH IN (PERSONAL) RETURN (COUNT) UNSEEN",
                "* ESEARCH (TAG \"@\" MAILBOX INBOX UIDVALIDITY 1) UID COUNT 2\r\n\
                 * ESEARCH (TAG \"@\" MAILBOX Sent UIDVALIDITY 2) UID COUNT 3\r\n",
            ),
            ("UIDBATCHES 2000", "* UIDBATCHES (TAG \"@\") 215295:99695,99696:1\r\n"),
            ("CANCELUPDATE \"B01\"", ""),
        ],
    )
    .await;
    client.select(inbox()).await.unwrap();
    let page = PartialRange::new(PartialEnd::Newest, n(1), n(2));
    let returns = [SearchReturn::Count, SearchReturn::Partial(page)];
    let found = client.search_for(Addressing::Uid, returns, [SearchKey::Unseen]).await.unwrap();
    assert_eq!(found.count, Some(5));
    let set = SequenceSet::from_uids(&uids(8, 9));
    assert_eq!(found.partial, Some((page, set)));
    let latest = [SortCriterion::reverse(SortKey::Date)];
    let sorted = client.sort(Addressing::Uid, latest, [SearchKey::All]).await.unwrap();
    assert_eq!(sorted, [9, 3, 5].map(n));
    let criteria = [SortCriterion::ascending(SortKey::Date)];
    let returns = [SearchReturn::Min, SearchReturn::Count];
    let sorted = client.sort_for(Addressing::Uid, criteria, returns, [SearchKey::All]).await.unwrap();
    assert_eq!((sorted.min, sorted.count), (Some(n(3)), Some(4)));
    let threads = client.thread(Addressing::Uid, ThreadAlgorithm::References, [SearchKey::All]).await;
    assert_eq!(threads.unwrap().nodes().len(), 3);
    let everywhere = client
        .search_mailboxes([MailboxFilter::Personal], [SearchReturn::Count], [SearchKey::Unseen])
        .await
        .unwrap();
    let counts: Vec<_> = everywhere.iter().map(|found| found.count).collect();
    assert_eq!(counts, [Some(2), Some(3)]);
    assert_eq!(client.uid_batches(n(2000), None).await.unwrap().len(), 2);
    client.cancel_update([text("B01")]).await.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn an_account_is_asked_about_itself() {
    let (client, server) = talk(
        "QUOTA QUOTA=RES-STORAGE QUOTASET ACL METADATA NAMESPACE ID",
        &[
            ("GETQUOTAROOT INBOX", "* QUOTAROOT INBOX r\r\n* QUOTA r (STORAGE 10 512)\r\n"),
            ("GETQUOTA r", "* QUOTA r (STORAGE 10 512)\r\n"),
            ("GETACL INBOX", "* ACL INBOX ursel lrs\r\n"),
            ("MYRIGHTS INBOX", "* MYRIGHTS INBOX lr\r\n"),
            ("MYRIGHTS INBOX", ""),
            ("DELETEACL INBOX ursel", ""),
            ("GETMETADATA INBOX /shared/comment", "* METADATA INBOX (/shared/comment \"a\")\r\n"),
            ("SETMETADATA INBOX (/shared/comment NIL)", ""),
            ("NAMESPACE", "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"),
            ("ID NIL", "* ID (\"name\" \"Cyrus\")\r\n"),
        ],
    )
    .await;
    let roots = client.quota_root(inbox()).await.unwrap();
    assert_eq!(roots.len(), 1);
    assert_eq!(client.quota(text("r")).await.unwrap(), roots[0].1);
    assert_eq!(client.acl(inbox()).await.unwrap().mailbox, inbox());
    client.my_rights(inbox()).await.unwrap();
    // An OK without what was asked for is no answer.
    let error: Error = client.my_rights(inbox()).await.unwrap_err();
    assert!(error.refusal().is_some(), "{error}");
    client.delete_acl(inbox(), text("ursel")).await.unwrap();
    let comment = || EntryName::new("/shared/comment").unwrap();
    let asked = GetMetadata {
        mailbox: inbox(),
        entries: vec![comment()],
        max_size: None,
        depth: MetadataDepth::Zero,
    };
    let entries = client.metadata(asked).await.unwrap();
    assert_eq!(entries.len(), 1);
    let removed = MetadataEntry { name: comment(), value: None };
    client.set_metadata(inbox(), [removed]).await.unwrap();
    assert_eq!(client.namespace().await.unwrap().personal.len(), 1);
    let answered = client.id(IdParameters::default()).await.unwrap();
    assert_ne!(answered, IdParameters::default());
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_tells_and_is_told() {
    let (client, server) = talk(
        "NOTIFY LANGUAGE I18NLEVEL=2 JMAPACCESS APPENDLIMIT=1000 X-GM-EXT-1 MESSAGELIMIT=100",
        &[
            ("LSUB \"\" *", "* LSUB () \"/\" INBOX\r\n"),
            ("LANGUAGE de", "* LANGUAGE (\"de\")\r\n"),
            ("COMPARATOR", "* COMPARATOR \"i;ascii-casemap\"\r\n"),
            ("GETJMAPACCESS", "* JMAPACCESS \"https://jmap.example\"\r\n"),
            (
                "NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge))",
                "* STATUS INBOX (MESSAGES 3 UNSEEN 1)\r\n",
            ),
            ("NOTIFY NONE", ""),
            ("EXAMINE INBOX", "* 3 EXISTS\r\n"),
            ("UID STORE 4 +X-GM-LABELS.SILENT (work)", ""),
        ],
    )
    .await;
    let pattern = ListPattern::new("*").unwrap();
    assert_eq!(client.subscribed(pattern).await.unwrap().len(), 1);
    assert_eq!(client.language([text("de")]).await.unwrap(), [text("de")]);
    assert_eq!(client.comparator([]).await.unwrap().unwrap().active, text("i;ascii-casemap"));
    assert_eq!(client.jmap_access().await.unwrap(), text("https://jmap.example"));
    let events = vec![NotifyEvent::MessageNew(vec![]), NotifyEvent::MessageExpunge];
    let group = EventGroup { mailboxes: MailboxFilter::Personal, events };
    let told = client.notify([group], FirstStatus::Told).await.unwrap();
    assert_eq!((told[0].0.clone(), told[0].1.unseen()), (inbox(), Some(1)));
    client.notify([], FirstStatus::NotTold).await.unwrap();
    assert_eq!(client.append_limit().await.unwrap(), Some(1000));
    assert_eq!(client.message_limit().await.unwrap(), NonZeroU32::new(100));
    assert!(client.has_capability("notify").await.unwrap());
    assert!(client.mailbox().await.unwrap().is_none());
    client.examine(inbox()).await.unwrap();
    assert_eq!(client.mailbox().await.unwrap().unwrap().exists, 3);
    client.store_labels(Addressing::Uid, one(4), StoreAction::Add, [text("work")]).await.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn what_begins_a_session_is_no_call() {
    use posthaste_imap::types::Command;
    let (client, server) = talk("UNAUTHENTICATE IDLE", &[]).await;
    for command in [Command::Unauthenticate, Command::StartTls, Command::Idle] {
        let error = client.command(command).await.unwrap_err();
        assert_eq!((error.phase(), error.retry()), (Phase::Call, Retry::Never), "{error}");
    }
    heard(client, server).await;
}

/// What a client with these credentials says to a server that announces so much, and what becomes of it.
async fn login(capabilities: &str, user: &str, password: &str) -> (Error, String) {
    let (near, far) = duplex(4096);
    let greeting = format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] hello\r\n");
    let server = tokio::spawn(async move {
        let mut near = near;
        near.write_all(greeting.as_bytes()).await.unwrap();
        let mut heard = String::new();
        near.read_to_string(&mut heard).await.unwrap();
        heard
    });
    let options = ClientOptions::default().with_credentials(Credentials::new(user, password));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let error = Client::over(Stream::local(far), &endpoint, &options).await.unwrap_err();
    (error, server.await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_login_that_no_mechanism_carries_is_none() {
    let cases =
        [("", "ürsel", "Geheim!"), ("", "ursel", "Geheimnis ä"), ("LOGINDISABLED", "ursel", "Geheim!")];
    for (capabilities, user, password) in cases {
        let (error, heard) = login(capabilities, user, password).await;
        assert!(matches!(error.cause(), Cause::NoLogin), "{capabilities} {user}: {error}");
        assert_eq!((error.phase(), error.retry()), (Phase::Login, Retry::Never));
        assert_eq!(heard, "", "{capabilities} {user}");
    }
}
