//! What one IMAP session does with messages.

use posthaste_server::config::Limits;
use posthaste_server::listen::Service;
use posthaste_server::store::{Flags, InternalDate, NewMessage, Room};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{ClientOptions, Credentials, Endpoint, Protocol, TlsMode, imap};

use crate::server::World;
use crate::waiting::held;

const NESTED: &str = concat!(
    "From: Anna <anna@x.test>\r\n",
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n",
    "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n",
    "MIME-Version: 1.0\r\n",
    "Content-Type: multipart/mixed; boundary=o\r\n",
    "\r\n",
    "--o\r\n",
    "Content-Type: text/plain; charset=utf-8\r\n",
    "Content-Transfer-Encoding: quoted-printable\r\n",
    "\r\n",
    "stra=C3=9Fe\r\n",
    "--o\r\n",
    "Content-Type: message/rfc822\r\n",
    "\r\n",
    "Subject: inner\r\n",
    "\r\n",
    "inner text\r\n",
    "--o--\r\n",
);

#[tokio::test]
async fn sections_partials_and_fields_are_the_octets_of_the_message() {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    assert!(imap.append("INBOX (\\Seen)", NESTED).await.contains("T OK [APPENDUID "));
    for (item, octets) in [
        ("BODY[]", NESTED),
        ("BODY[]<5>", &NESTED[5..15]),
        (
            "BODY[HEADER.FIELDS (DATE FROM)]",
            "From: Anna <anna@x.test>\r\nDate: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\n",
        ),
        (
            "BODY[HEADER.FIELDS.NOT (From Date Content-Type)]",
            "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n\r\n",
        ),
        ("BODY[TEXT]<0>", "--o\r\nConte"),
        ("BODY[1]", "stra=C3=9Fe"),
        (
            "BODY[1.MIME]",
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        ),
        ("BODY[2]", "Subject: inner\r\n\r\ninner text"),
        ("BODY[2.HEADER]", "Subject: inner\r\n\r\n"),
        ("BODY[2.TEXT]", "inner text"),
        ("BODY[2.1]<6>", "text"),
        ("BODY[TEXT]<100000>", ""),
    ] {
        // `<5>` in an answer is `<5.10>` in a command.
        let asked = item.strip_suffix('>').map_or(item.to_owned(), |item| format!("{item}.10>"));
        let answer = imap.ok(&format!("FETCH 1 {}", asked.replacen("BODY[", "BODY.PEEK[", 1))).await;
        let literal = format!("* 1 FETCH ({item} {{{}}}\r\n{octets})\r\n", octets.len());
        let quoted = format!("* 1 FETCH ({item} \"{octets}\")\r\n");
        let upper = |text: &str| text.to_ascii_uppercase();
        let said = upper(answer.split("T OK").next().unwrap());
        assert!(said == upper(&literal) || said == upper(&quoted), "{item}: {answer}");
    }
    assert!(imap.ok("FETCH 1 BODY.PEEK[3]").await.contains("BODY[3] NIL"));
    assert!(imap.ok("FETCH 1 RFC822.SIZE").await.contains(&format!("RFC822.SIZE {}", NESTED.len())));
    // Many parts in one command come all and in order.
    let many = vec!["BODY.PEEK[TEXT]"; 40].join(" ");
    let text = &NESTED[NESTED.find("\r\n\r\n").unwrap() + 4..];
    let answer = imap.ok(&format!("FETCH 1 ({many} UID)")).await;
    assert_eq!(answer.matches(text).count(), 40);
    assert!(answer.contains(" UID 1)\r\n"), "{answer}");
}

#[tokio::test]
async fn body_structure_shows_what_is_nested() {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX", NESTED).await;
    let answer = imap.ok("FETCH 1 (BODY ENVELOPE)").await;
    let expected = concat!(
        "BODY ((\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 11 0)",
        "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 28 ",
        "(NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) ",
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 0) 2) \"mixed\")",
    );
    let flat = |text: &str| text.to_ascii_lowercase();
    assert!(flat(&answer).contains(&flat(expected)), "{answer}\n{expected}");
    let envelope = "ENVELOPE (\"Mon, 7 Feb 1994 21:52:25 -0800\" \"=?utf-8?q?Gr=C3=BC=C3=9Fe?=\" ((\"Anna\" NIL \"anna\" \"x.test\"))";
    assert!(answer.contains(envelope), "{answer}");
    assert!(flat(&imap.ok("FETCH 1 BODYSTRUCTURE").await).contains("(\"boundary\" \"o\")"));
}

#[tokio::test]
async fn search_finds_what_a_reader_sees() {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX (\\Flagged) \" 7-Feb-1994 22:43:04 -0800\"", NESTED).await;
    imap.append("INBOX ($Work)", "Subject: plain\r\nTo: bob@x.test\r\n\r\nnothing here\r\n").await;
    for (keys, found) in [
        ("ALL", "1 2"),
        ("SUBJECT plain", "2"),
        ("TEXT \"inner text\"", "1"),
        ("BODY inner", "1"),
        ("FLAGGED", "1"),
        ("KEYWORD $Work", "2"),
        ("UNKEYWORD $Work", "1"),
        ("NOT FLAGGED", "2"),
        ("OR FLAGGED KEYWORD $work", "1 2"),
        ("SENTON 7-Feb-1994", "1"),
        ("BEFORE 1-Jan-2000", "1"),
        ("LARGER 100", "1"),
        ("HEADER To bob", "2"),
        ("FROM ANNA", "1"),
        ("UID 2:*", "2"),
        ("2 FLAGGED", ""),
    ] {
        let answer = imap.ok(&format!("SEARCH {keys}")).await;
        let expected =
            if found.is_empty() { "* SEARCH\r\n".to_owned() } else { format!("* SEARCH {found}\r\n") };
        assert!(answer.starts_with(&expected), "{keys}: {answer}");
    }
    // Encoded words in the header and quoted-printable in the body, against UTF-8 in the command.
    for (key, text) in [("SUBJECT", "GRÜßE"), ("SUBJECT", "grüße"), ("BODY", "straße"), ("BODY", "STRAßE")]
    {
        let tag = imap.start(&format!("SEARCH CHARSET UTF-8 {key} {{{}}}", text.len())).await;
        imap.peer.expect("+").await;
        imap.peer.send(&format!("{text}\r\n")).await;
        let answer = imap.finish(&tag).await;
        assert!(answer.starts_with("* SEARCH 1\r\n"), "{key} {text}: {answer}");
    }
    assert!(imap.no("SEARCH CHARSET X-NONE ALL").await.contains("[BADCHARSET (US-ASCII UTF-8 "));
}

#[tokio::test]
async fn copy_move_and_uid_expunge_say_which_uids() {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    for subject in ["a", "b", "c", "d"] {
        imap.append("INBOX (\\Deleted)", &format!("Subject: {subject}\r\n\r\n")).await;
    }
    let copied = imap.ok("COPY 2:3 Trash").await;
    assert!(copied.contains("T OK [COPYUID ") && copied.contains(" 2:3 1:2]"), "{copied}");
    let moved = imap.ok("MOVE 1 Archive").await;
    assert!(moved.starts_with("* OK [COPYUID ") && moved.contains(" 1 1] "), "{moved}");
    assert!(moved.contains("* 1 EXPUNGE\r\nT OK"), "{moved}");
    assert!(imap.ok("UID EXPUNGE 3").await.starts_with("* 2 EXPUNGE\r\nT OK"));
    assert!(imap.ok("UID SEARCH ALL").await.starts_with("* SEARCH 2 4\r\n"));
    assert!(imap.no("COPY 1 Nowhere").await.contains("[TRYCREATE]"));
    assert!(imap.no("MOVE 1 Nowhere").await.contains("[TRYCREATE]"));
    assert!(imap.run("COPY 9 Trash").await.starts_with("T BAD"));
    assert!(imap.ok("UID COPY 9 Trash").await.starts_with("T OK COPY"));
    let moved = imap.ok("MOVE 1 INBOX").await;
    assert!(moved.contains("* 1 EXPUNGE\r\n") && moved.contains("* 2 EXISTS\r\n"), "{moved}");
    assert!(imap.ok("STATUS Trash (MESSAGES UIDNEXT)").await.contains("MESSAGES 2 UIDNEXT 3"));
}

#[tokio::test]
async fn fetch_sets_seen_once_and_tells_it() {
    let world = World::new().await;
    world.deliver("alice@x.test", NESTED).await;
    let mut imap = world.selected("alice", "INBOX").await;
    assert!(!imap.ok("FETCH 1 BODY.PEEK[1]").await.contains("Seen"));
    assert!(imap.ok("FETCH 1 BODY[1]").await.contains(" FLAGS (\\Seen \\Recent))\r\n"));
    assert!(!imap.ok("FETCH 1 BODY[1]").await.contains("FLAGS"));
}

#[tokio::test]
async fn append_without_room_is_refused_before_a_single_octet() {
    let world = World::new().await;
    world.account("small", Some(100)).await;
    let mut imap = world.imap("small").await;
    assert!(imap.append("INBOX", &"x".repeat(101)).await.contains("T NO [OVERQUOTA]"));
    assert!(imap.append("INBOX", &"x".repeat(60)).await.contains("T OK"));
    imap.ok("SELECT INBOX").await;
    assert!(imap.no("COPY 1 Trash").await.contains("[OVERQUOTA]"));
    imap.ok("MOVE 1 Trash").await;
    assert_eq!(world.used("small").await, 60);
    assert!(imap.append("Nowhere", "x").await.contains("T NO [TRYCREATE]"));
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_no_messages_and_gives_them() {
    let world = World::with(Limits { free_space: i64::MAX.unsigned_abs(), ..Limits::default() }).await;
    let store = world.running.store();
    let mut spool = store.spool();
    spool.write(b"Subject: here\r\n\r\n").await.unwrap();
    let content = spool.finish().await.unwrap();
    let message = NewMessage { content, flags: Flags::default(), date: InternalDate::now() };
    let inbox = world.mailbox("alice", "INBOX").await.id;
    store.append(inbox, Room::UNLIMITED, vec![message]).await.unwrap();
    let mut imap = world.selected("alice", "INBOX").await;
    assert!(imap.append("INBOX", "x").await.contains("T NO [UNAVAILABLE]"));
    assert!(imap.run("REPLACE 1 INBOX {1}").await.contains("T NO [UNAVAILABLE]"));
    // So there is a way to make room.
    assert!(imap.ok("FETCH 1 BODY[]").await.contains("Subject: here"));
    imap.ok("MOVE 1 Trash").await;
    assert_eq!(world.contents("alice", "Trash").await.len(), 1);
}

#[tokio::test]
async fn rel_06_how_much_is_free_is_for_the_store_to_say() {
    let (world, held) = held().await;
    let most = Limits::default().free_space + 100;
    let (mut imap, mut smtp) = (world.imap("alice").await, world.smtp().await);
    for _ in 0..2 {
        *held.free_space.lock().unwrap() = Some(most);
        assert!(imap.append("INBOX", &"x".repeat(101)).await.contains("T NO [UNAVAILABLE]"));
        assert!(imap.append("INBOX", &"x".repeat(100)).await.contains("T OK"));
        smtp.ask("MAIL FROM:<a@b.test> SIZE=101", "452 4.3.1 ").await;
        smtp.ask("MAIL FROM:<a@b.test> SIZE=100", "250 ").await;
        smtp.ask("RSET", "250 ").await;
        // There is room again, and less once more.
        *held.free_space.lock().unwrap() = Some(most + 1);
        assert!(imap.append("INBOX", &"x".repeat(101)).await.contains("T OK"));
        smtp.ask("MAIL FROM:<a@b.test> SIZE=101", "250 ").await;
        smtp.ask("RSET", "250 ").await;
    }
}

#[tokio::test]
async fn append_over_the_message_size_is_refused() {
    let world = World::with(Limits { message_size: 1000, ..Limits::default() }).await;
    let mut imap = world.imap("alice").await;
    assert!(imap.append("INBOX", &"x".repeat(1001)).await.contains("T NO [TOOBIG]"));
    imap.ok("NOOP").await;
    world.assert_nothing_stored().await;
}

#[tokio::test]
async fn an_append_that_is_cut_stores_nothing() {
    let world = World::new().await;
    let mut imap = world.imap("alice").await;
    imap.start("APPEND INBOX {2000000}").await;
    imap.peer.expect("+").await;
    imap.peer.send(&"x".repeat(1_500_000)).await;
    drop(imap);
    let World { running, data, .. } = world;
    running.stop().await;
    let sql = rusqlite::Connection::open(data.path().join("posthaste.sqlite")).unwrap();
    assert_eq!(sql.query_row("SELECT count(*) FROM blobs", [], |row| row.get::<_, i64>(0)), Ok(0));
    assert_eq!(std::fs::read_dir(data.path().join("spool")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_message_of_the_mechanism_is_no_wrong_password() {
    let world = World::new().await;
    // No NUL in it.
    let response = "bm8gbWVzc2FnZQ==";
    let mut peer = world.connect(Service::Imaps).await;
    peer.expect("* OK").await;
    peer.ask(&format!("a AUTHENTICATE PLAIN {response}"), "a BAD ").await;
    let mut peer = world.connect(Service::Pop3s).await;
    peer.expect("+OK").await;
    let said = peer.ask(&format!("AUTH PLAIN {response}"), "-ERR ").await;
    assert!(!said.contains("[AUTH]"), "{said}");
    let mut peer = world.connect(Service::Submissions).await;
    peer.expect("220 ").await;
    peer.ehlo("EHLO").await;
    peer.ask(&format!("AUTH PLAIN {response}"), "501 5.5.2 ").await;
}

#[tokio::test]
async fn passwords_are_not_taken_in_clear() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Imap).await;
    let greeting = peer.expect("* OK").await;
    assert!(greeting.contains("LOGINDISABLED") && !greeting.contains("AUTH="), "{greeting}");
    peer.ask("a LOGIN alice@x.test secret", "a NO [PRIVACYREQUIRED]").await;
    peer.ask("b AUTHENTICATE PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "b NO").await;
    let mut peer = world.connect(Service::Pop3).await;
    peer.expect("+OK").await;
    peer.ask("USER alice@x.test", "-ERR").await;
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "-ERR").await;
    let mut peer = world.connect(Service::Submission).await;
    peer.expect("220 ").await;
    assert!(!peer.ehlo("EHLO").await.contains("AUTH"));
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "5").await;
    peer.ask("MAIL FROM:<alice@x.test>", "530 ").await;
}

#[tokio::test]
async fn a_stop_says_bye_to_a_session_that_waits() {
    let world = World::new().await;
    let mut idling = world.selected("alice", "INBOX").await;
    idling.idle().await;
    let mut waiting = world.imap("bob").await;
    world.running.stop().await;
    idling.peer.expect("* BYE").await;
    waiting.peer.expect("* BYE").await;
}

#[tokio::test]
async fn a_header_is_found_wherever_the_content_is_cut_into_chunks() {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    let chunk = usize::try_from(posthaste_server::store::CHUNK).unwrap();
    for (number, octets_before) in (1..=5).zip(chunk - 4..) {
        let lines = format!("X-Filler: {}\r\n", "x".repeat(88)).repeat(chunk / 100 - 1);
        let header = format!("{lines}X: {}\r\n\r\n", "x".repeat(octets_before - lines.len() - 3));
        assert_eq!(header.len(), octets_before + 4);
        imap.append("INBOX", &format!("{header}body\r\n\r\nmore\r\n")).await;
        let answer = imap.ok(&format!("FETCH {number} BODY.PEEK[HEADER]")).await;
        assert!(answer.contains(&format!("{{{}}}\r\n{header})\r\n", header.len())), "{octets_before}");
    }
}

#[tokio::test]
async fn a_message_that_is_being_read_can_be_read_to_its_end_though_it_is_expunged() {
    let world = World::new().await;
    let mut reader = world.selected("alice", "INBOX").await;
    let text = "0123456789abcde\r\n".repeat(500_000);
    let message = format!("Subject: long\r\n\r\n{text}");
    reader.append("INBOX", &message).await;
    let tag = reader.start("FETCH 1 (BODY.PEEK[] BODY.PEEK[TEXT]<17.17>)").await;
    reader.peer.expect(&format!("* 1 FETCH (BODY[] {{{}}}", message.len())).await;
    assert_eq!(reader.peer.octets(1000).await, &message.as_bytes()[..1000]);
    // More than the buffers on the way can hold is still in the store.
    let mut other = world.selected("alice", "INBOX").await;
    other.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    assert!(other.ok("EXPUNGE").await.starts_with("* 1 EXPUNGE\r\n"));
    assert!(reader.peer.octets(message.len() - 1000).await == message.as_bytes()[1000..]);
    let rest = reader.finish(&tag).await;
    assert!(rest.starts_with(" BODY[TEXT]<17> {17}\r\n0123456789abcde\r\n)\r\n"), "{rest}");
    assert!(!rest.contains("EXPUNGE\r\n"), "{rest}");
    assert!(reader.ok("NOOP").await.starts_with("* 1 EXPUNGE\r\n"));
    assert_eq!(world.messages().await, 0);
}

#[tokio::test]
async fn a_connection_is_compressed_both_ways() {
    let world = World::new().await;
    let port = world.running.address(Service::Imaps).unwrap().port();
    let endpoint =
        Endpoint::new(Protocol::Imap, "localhost").unwrap().with_tls(TlsMode::Implicit).with_port(port);
    let options = ClientOptions::default()
        .with_credentials(Credentials::new("alice@x.test", "secret"))
        .with_client_config(world.client_config(Alpn::Imap));
    let client = imap::Client::connect(&endpoint, &options).await.unwrap();
    assert!(client.has_capability("COMPRESS=DEFLATE").await.unwrap());
    client.compress().await.unwrap();
    assert!(client.compress().await.is_err(), "once is enough");
    let inbox = posthaste_imap::types::Mailbox::new("INBOX").unwrap();
    let message = format!("Subject: long\r\n\r\n{}", "the same again\r\n".repeat(20_000));
    client.append(inbox.clone(), imap::Append::new(message.clone())).await.unwrap();
    assert_eq!(client.select(inbox).await.unwrap().exists, 1);
    client.noop().await.unwrap();
    client.logout().await.unwrap();
    assert_eq!(world.contents("alice", "INBOX").await, [message]);
}

#[tokio::test]
async fn imap_20_many_messages_of_one_append_take_one_file_and_come_all() {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    let text = |number: usize| {
        let size = if number.is_multiple_of(2) { 70_000 } else { 5_000 };
        format!("Subject: {number}\r\n\r\n{}\r\n", "x".repeat(size))
    };
    let messages: Vec<String> = (0..40).map(text).collect();
    let literals = messages.iter().map(|message| format!(" {{{}+}}\r\n{message}", message.len()));
    let all: String = literals.collect();
    let spool = world.data.path().join("spool");
    let files = || std::fs::read_dir(&spool).unwrap().count();
    // What does not fit takes all of them with it.
    imap.peer.send(&format!("n APPEND INBOX{all} {{99999999}}\r\n")).await;
    assert!(imap.finish("n").await.contains("T NO [TOOBIG]"));
    assert_eq!(files(), 0);
    imap.peer.send(&format!("m APPEND INBOX{all} {{12}}\r\n")).await;
    // All that came before has been dealt with.
    imap.peer.expect("+").await;
    assert_eq!(files(), 1);
    imap.peer.send("Subject: z\r\n\r\n").await;
    let answer = imap.finish("m").await;
    assert!(answer.contains("* 41 EXISTS\r\n") && answer.contains(" 1:41]"), "{answer}");
    assert_eq!(files(), 0);
    let stored = world.contents("alice", "INBOX").await;
    assert!(stored[..40] == messages && stored[40] == "Subject: z\r\n");
}
