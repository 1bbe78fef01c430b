//! Every command in every state and by everybody (RFC 9051 3, 6; RFC 4314 4): what is not for here, now or this user is
//! refused, and does nothing.

use posthaste_server::listen::Service;
use posthaste_server::store::{Flags, MailboxName, RecordChange};

use crate::server::{Imap, World};

/// The states in which a command is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Before login.
    Before,
    /// Once logged in.
    After,
    /// With a mailbox selected.
    Selected,
    /// With one selected that may be changed.
    Writable,
    /// Over TLS, or not offered here.
    Never,
}

/// The event's name, when it is taken, and the line.
const COMMANDS: [(&str, When, &str); 53] = [
    ("", When::Always, "CAPABILITY"),
    ("noop", When::Always, "NOOP"),
    ("id", When::Always, "ID NIL"),
    ("logout", When::Always, "LOGOUT"),
    ("starttls", When::Never, "STARTTLS"),
    ("login", When::Before, "LOGIN bob@x.test secret"),
    ("authenticate", When::Before, "AUTHENTICATE PLAIN AGJvYkB4LnRlc3QAc2VjcmV0"),
    ("compress", When::After, "COMPRESS DEFLATE"),
    ("enable", When::After, "ENABLE CONDSTORE"),
    ("unauthenticate", When::After, "UNAUTHENTICATE"),
    ("namespace", When::After, "NAMESPACE"),
    ("list", When::After, "LIST \"\" *"),
    ("lsub", When::After, "LSUB \"\" *"),
    ("subscribe", When::After, "SUBSCRIBE Sent"),
    ("unsubscribe", When::After, "UNSUBSCRIBE Sent"),
    ("create", When::After, "CREATE New"),
    ("delete", When::After, "DELETE Trash"),
    ("rename", When::After, "RENAME Trash Bin"),
    ("status", When::After, "STATUS INBOX (MESSAGES)"),
    ("select", When::After, "SELECT INBOX"),
    ("select", When::After, "EXAMINE INBOX"),
    ("append", When::After, "APPEND INBOX {14+}\r\nSubject: x\r\n\r\n"),
    ("getquota", When::After, "GETQUOTA alice@x.test"),
    ("getquotaroot", When::After, "GETQUOTAROOT INBOX"),
    ("setquota", When::Never, "SETQUOTA alice@x.test (STORAGE 1)"),
    ("getacl", When::After, "GETACL INBOX"),
    ("setacl", When::After, "SETACL INBOX bob@x.test lr"),
    ("deleteacl", When::After, "DELETEACL INBOX bob@x.test"),
    ("listrights", When::After, "LISTRIGHTS INBOX bob@x.test"),
    ("myrights", When::After, "MYRIGHTS INBOX"),
    ("getmetadata", When::After, "GETMETADATA INBOX /private/x"),
    ("setmetadata", When::After, "SETMETADATA INBOX (/private/x \"1\")"),
    ("notify", When::After, "NOTIFY SET (personal (MessageNew MessageExpunge))"),
    ("esearch", When::After, "ESEARCH IN (personal) ALL"),
    ("idle", When::After, "IDLE\r\nDONE"),
    ("close", When::Selected, "CLOSE"),
    ("unselect", When::Selected, "UNSELECT"),
    ("fetch", When::Selected, "FETCH 1 FLAGS"),
    ("fetch", When::Selected, "UID FETCH 1 FLAGS"),
    ("search", When::Selected, "SEARCH ALL"),
    ("search", When::Selected, "UID SEARCH ALL"),
    ("sort", When::Selected, "SORT (DATE) UTF-8 ALL"),
    ("thread", When::Selected, "THREAD REFERENCES UTF-8 ALL"),
    ("uidbatches", When::Selected, "UIDBATCHES 500"),
    ("copy", When::Selected, "COPY 1 Sent"),
    ("copy", When::Selected, "UID COPY 1 Sent"),
    ("store", When::Writable, "STORE 1 +FLAGS (\\Seen)"),
    ("store", When::Writable, "UID STORE 1 +FLAGS (\\Seen)"),
    ("move", When::Writable, "MOVE 1 Sent"),
    ("expunge", When::Writable, "EXPUNGE"),
    ("expunge", When::Writable, "UID EXPUNGE 1"),
    ("replace", When::Writable, "REPLACE 1 INBOX {14+}\r\nSubject: x\r\n\r\n"),
    // What other servers have and their users are not meant to reach.
    ("", When::Never, "XLOCALDELETE INBOX"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    LoggedIn,
    Selected,
    Examined,
}

async fn in_state(world: &World, state: State) -> Imap {
    match state {
        State::Fresh => world.stranger().await,
        State::LoggedIn => world.imap("alice").await,
        State::Selected => world.selected("alice", "INBOX").await,
        State::Examined => {
            let mut imap = world.imap("alice").await;
            imap.ok("EXAMINE INBOX").await;
            imap
        }
    }
}

/// `OK`, `NO` or `BAD`.
fn condition(answer: &str) -> &str {
    answer.lines().last().unwrap().split(' ').nth(1).unwrap()
}

#[test]
fn mbx_08_every_command_there_is_stands_in_the_table() {
    let known = include_str!("../../src/session/imap/verb.rs");
    let verbs = known.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next());
    let missing: Vec<&str> = verbs.filter(|verb| COMMANDS.iter().all(|(name, ..)| name != verb)).collect();
    assert_eq!(missing, [""; 0]);
}

#[tokio::test]
async fn mbx_08_every_command_in_every_state() {
    let world = World::sharing().await;
    for state in [State::Fresh, State::LoggedIn, State::Selected, State::Examined] {
        for (_, when, command) in COMMANDS {
            world.refill().await;
            let mut imap = in_state(&world, state).await;
            let taken = match when {
                When::Always => true,
                When::Before => state == State::Fresh,
                When::After => state != State::Fresh,
                When::Selected => matches!(state, State::Selected | State::Examined),
                When::Writable => state == State::Selected,
                When::Never => false,
            };
            let before = world.everything().await;
            let answer = imap.run(command).await;
            let expected: &[&str] = match (taken, state, when) {
                (true, ..) => &["OK"],
                (false, State::Examined, When::Writable) => &["NO"],
                (false, ..) => &["BAD", "NO"],
            };
            assert!(expected.contains(&condition(&answer)), "{state:?} {command:?}: {answer}");
            if !taken {
                assert_eq!(world.everything().await, before, "{state:?} {command:?}");
                assert!(
                    !answer.contains("* SEARCH") && !answer.contains(" FETCH ("),
                    "{command:?}: {answer}"
                );
            }
        }
    }
}

/// What is asked of somebody else's mailbox `{}`, with which rights it is done, and whether that is inside of it.
const SHARED: [(&str, &str, bool); 29] = [
    ("SELECT {}", "r", false),
    ("EXAMINE {}", "r", false),
    ("STATUS {} (MESSAGES)", "r", false),
    ("GETQUOTAROOT {}", "r", false),
    ("GETMETADATA {} /private/x", "lr", false),
    ("SETMETADATA {} (/private/x \"1\")", "lr", false),
    ("SETMETADATA {} (/shared/x \"1\")", "lrw", false),
    ("GETACL {}", "a", false),
    ("SETACL {} carol@x.test l", "a", false),
    ("DELETEACL {} carol@x.test", "a", false),
    ("LISTRIGHTS {} carol@x.test", "a", false),
    ("CREATE {/Below}", "k", false),
    ("DELETE {}", "x", false),
    ("APPEND {} {14+}\r\nSubject: x\r\n\r\n", "i", false),
    ("FETCH 1 BODY[]", "r", true),
    ("SEARCH ALL", "r", true),
    ("SORT (DATE) UTF-8 ALL", "r", true),
    ("THREAD REFERENCES UTF-8 ALL", "r", true),
    ("COPY 1 {}", "ri", true),
    ("STORE 1 +FLAGS (\\Seen)", "rs", true),
    ("STORE 1 -FLAGS.SILENT (\\Deleted)", "rt", true),
    ("STORE 1 +FLAGS (\\Flagged)", "rw", true),
    ("STORE 1 +FLAGS ($Work)", "rw", true),
    ("STORE 1 FLAGS (\\Answered)", "rw", true),
    ("EXPUNGE", "re", true),
    ("UID EXPUNGE 1", "re", true),
    ("MOVE 1 Trash", "rte", true),
    ("UID MOVE 1 Trash", "rte", true),
    ("REPLACE 1 {} {14+}\r\nSubject: x\r\n\r\n", "rtei", true),
];

#[tokio::test]
async fn mbx_08_every_command_on_what_is_shared_needs_exactly_its_rights() {
    let world = World::sharing().await;
    let mut alice = world.imap("alice").await;
    let mut number = 0;
    for (command, needs, inside) in SHARED {
        let others: String = "lrswipkxtea".chars().filter(|letter| !needs.contains(*letter)).collect();
        let lacking = needs.chars().map(|lacks| (format!("{others}{}", needs.replace(lacks, "")), false));
        // Looked up it may be in any case; and the owner needs nothing.
        let cases = lacking.chain([(format!("l{needs}"), true), (String::new(), false)]);
        for (rights, works) in cases {
            number += 1;
            let name = format!("P{number}");
            alice.ok(&format!("CREATE {name}")).await;
            alice.append(&format!("{name} (\\Deleted)"), "Subject: shared\r\n\r\nbody\r\n").await;
            if !rights.is_empty() {
                alice.ok(&format!("SETACL {name} bob@x.test {rights}")).await;
            }
            let path = format!("Other Users/alice@x.test/{name}");
            let line = command
                .replace("{/Below}", &format!("\"{path}/Below\""))
                .replace("{}", &format!("\"{path}\""));
            let before = world.contents_of(&name).await;
            let mut bob = world.imap("bob").await;
            let answer = if inside {
                let opened = bob.run(&format!("SELECT \"{path}\"")).await;
                if condition(&opened) == "OK" { bob.run(&line).await } else { opened }
            } else {
                bob.run(&line).await
            };
            let expected = if works { "OK" } else { "NO" };
            assert_eq!(condition(&answer), expected, "{rights:?} {command:?}: {answer}");
            if !works {
                assert_eq!(world.contents_of(&name).await, before, "{rights:?} {command:?}");
            }
        }
    }
    // An owner needs nobody's leave.
    for (command, _, inside) in SHARED {
        number += 1;
        let name = format!("P{number}");
        alice.ok(&format!("CREATE {name}")).await;
        alice.append(&format!("{name} (\\Deleted)"), "Subject: shared\r\n\r\nbody\r\n").await;
        if inside {
            alice.ok(&format!("SELECT {name}")).await;
        }
        alice.ok(&command.replace("{/Below}", &format!("{name}/Below")).replace("{}", &name)).await;
    }
}

impl World {
    /// Somebody who has not logged in.
    async fn stranger(&self) -> Imap {
        let mut peer = self.connect(Service::Imaps).await;
        peer.expect("* OK").await;
        Imap::new(peer)
    }

    /// Alice has her mailboxes, and one message in INBOX.
    async fn refill(&self) {
        let account = self.account_of("alice").id;
        let store = self.running.store();
        store.commit(vec![RecordChange::EmptyAccount(account)]).await.unwrap();
        let mut alice = self.imap("alice").await;
        alice.append("INBOX", "Subject: one\r\n\r\nbody\r\n").await;
    }

    /// Her mailboxes with their flags and messages, as one text.
    async fn everything(&self) -> String {
        let store = self.running.store();
        let mut all = String::new();
        for mailbox in store.mailboxes(self.account_of("alice").id).await.unwrap() {
            let snapshot = store.snapshot(mailbox.id).await.unwrap();
            let flags: Vec<_> = snapshot.messages.iter().map(|meta| (meta.uid, meta.flags.clone())).collect();
            all.push_str(&format!("{} {} {flags:?}\n", mailbox.name, mailbox.subscribed));
        }
        all
    }

    /// The UIDs and flags of one of them.
    async fn contents_of(&self, mailbox: &str) -> Vec<(u32, Flags)> {
        let store = self.running.store();
        let name = MailboxName::new(mailbox).unwrap();
        let mailbox = store.mailbox(self.account_of("alice").id, &name).await.unwrap();
        let snapshot = store.snapshot(mailbox.id).await.unwrap();
        snapshot.messages.into_iter().map(|meta| (meta.uid, meta.flags)).collect()
    }
}
