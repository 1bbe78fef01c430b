//! Mailboxes of others: what is granted is what works, and nothing else is there (RFC 4314; RFC 2342).

use posthaste_server::directory::{Address, Group, Posting};

use crate::server::{Imap, World};

/// Gives bob rights to a mailbox of alice with three messages in it.
async fn granted(world: &World, rights: &str) -> Imap {
    let mut alice = world.imap("alice").await;
    alice.ok("CREATE Project").await;
    for number in 0..3 {
        alice.append("Project (\\Seen)", &format!("Subject: {number}\r\n\r\nbody\r\n")).await;
    }
    alice.ok(&format!("SETACL Project bob@x.test {rights}")).await;
    world.imap("bob").await
}

const NAME: &str = "\"Other Users/alice@x.test/Project\"";

#[tokio::test]
async fn what_is_shared_is_seen_and_used_by_both() {
    let world = World::sharing().await;
    let mut bob = granted(&world, "lrswite").await;
    let namespace = bob.ok("NAMESPACE").await;
    assert!(
        namespace.contains("((\"\" \"/\")) ((\"Other Users/\" \"/\")) ((\"Shared/\" \"/\"))"),
        "{namespace}"
    );
    assert!(bob.ok("LIST \"\" *").await.contains(NAME));
    let listed = bob.ok("LIST \"\" \"Other Users/*\" RETURN (MYRIGHTS STATUS (MESSAGES))").await;
    assert!(listed.contains("* MYRIGHTS \"Other Users/alice@x.test/Project\" deilrstw"), "{listed}");
    assert!(listed.contains("(MESSAGES 3)"), "{listed}");
    let opened = bob.ok(&format!("SELECT {NAME}")).await;
    assert!(opened.contains("[READ-WRITE]"), "{opened}");
    let mut alice = world.selected("alice", "Project").await;
    bob.ok("STORE 1 +FLAGS (\\Flagged)").await;
    assert!(alice.ok("NOOP").await.contains("\\Flagged"));
    bob.append(NAME, "Subject: from bob\r\n\r\n").await;
    assert!(alice.ok("NOOP").await.contains("* 4 EXISTS"));
    // What alice takes back while bob is in there.
    alice.ok("SETACL Project bob@x.test lr").await;
    let told = bob.ok("NOOP").await;
    assert!(told.contains("[PERMANENTFLAGS ()]") && told.contains("[READ-ONLY]"), "{told}");
    bob.no("EXPUNGE").await;
    alice.ok("DELETEACL Project bob@x.test").await;
    bob.peer.send("x NOOP\r\n").await;
    bob.peer.expect("x OK").await;
    bob.peer.expect("* BYE").await;
}

#[tokio::test]
async fn public_mailboxes_are_below_shared() {
    let world = World::sharing().await;
    let mut public = world.imap("public").await;
    public.ok("CREATE News").await;
    public.ok("SETACL News anyone lrk").await;
    public.ok("SETACL News carol@x.test lr").await;
    public.ok("SETACL News -carol@x.test r").await;
    let mut bob = world.imap("bob").await;
    assert!(bob.ok("LIST Shared/ %").await.contains("\"/\" Shared/News\r\n"));
    bob.ok("EXAMINE Shared/News").await;
    bob.ok("CREATE Shared/News/Sport").await;
    // It inherits what is granted on the one above.
    assert!(bob.ok("MYRIGHTS Shared/News/Sport").await.contains("Shared/News/Sport cklr"));
    let mut carol = world.imap("carol").await;
    let refused = carol.no("SELECT Shared/News").await;
    assert!(refused.contains("[NOPERM]"), "{refused}");
}

#[tokio::test]
async fn mbx_07_what_nobody_granted_looks_like_what_is_not_there() {
    let world = World::sharing().await;
    let mut alice = world.imap("alice").await;
    alice.ok("CREATE Secret").await;
    let mut bob = world.selected("bob", "INBOX").await;
    bob.append("INBOX", "Subject: x\r\n\r\n").await;
    bob.ok("NOOP").await;
    for command in [
        "SELECT {}",
        "EXAMINE {}",
        "STATUS {} (MESSAGES)",
        "GETACL {}",
        "MYRIGHTS {}",
        "LISTRIGHTS {} bob@x.test",
        "SETACL {} bob@x.test lr",
        "DELETEACL {} bob@x.test",
        "GETMETADATA {} /private/comment",
        "SETMETADATA {} (/private/comment \"x\")",
        "GETQUOTAROOT {}",
        "DELETE {}",
        "RENAME {} Mine",
        "CREATE {}",
        "LIST \"\" {}",
        "SUBSCRIBE {}",
        "UNSUBSCRIBE {}",
        "ESEARCH IN (mailboxes {}) ALL",
        "NOTIFY SET STATUS (mailboxes {} (MessageNew MessageExpunge))",
        "NOTIFY NONE {}",
    ] {
        let mut answers = Vec::new();
        for name in ["Secret", "Absent"] {
            bob.ok("SELECT INBOX").await;
            let name = format!("\"Other Users/alice@x.test/{name}\"");
            let answer = bob.run(&command.replace("{}", &name)).await;
            answers.push(answer.replace("Secret", "NAME").replace("Absent", "NAME"));
        }
        assert_eq!(answers[0], answers[1], "{command}");
        assert!(!answers[0].contains("* LIST") && !answers[0].contains("* STATUS"), "{}", answers[0]);
    }
    bob.ok("SELECT INBOX").await;
    for command in ["COPY 1 {}", "MOVE 1 {}"] {
        for name in ["Secret", "Absent"] {
            let answer =
                bob.no(&command.replace("{}", &format!("\"Other Users/alice@x.test/{name}\""))).await;
            assert!(answer.contains("[TRYCREATE]"), "{answer}");
        }
    }
    for name in ["Secret", "Absent"] {
        let answer = bob.append(&format!("\"Other Users/alice@x.test/{name}\""), "Subject: x\r\n\r\n").await;
        assert!(answer.contains("T NO [TRYCREATE]"), "{answer}");
    }
    // Nobody, and somebody who is not served.
    bob.no("SELECT \"Other Users/nobody@x.test/INBOX\"").await;
    bob.no("SELECT \"Other Users/\"").await;
}

#[tokio::test]
async fn mbx_07_each_command_needs_its_right() {
    // What each right lets bob do that he can not do without it (RFC 4314 4).
    let table: [(&str, &str, &[&str]); 8] = [
        ("l", "r", &["SELECT {}", "STATUS {} (MESSAGES)", "GETMETADATA {} /private/x", "GETQUOTAROOT {}"]),
        (
            "lr",
            "a",
            &[
                "GETACL {}",
                "SETACL {} carol@x.test l",
                "DELETEACL {} carol@x.test",
                "LISTRIGHTS {} carol@x.test",
            ],
        ),
        ("lr", "x", &["DELETE {}"]),
        ("lr", "k", &["CREATE {/}Below"]),
        ("lr", "w", &["SETMETADATA {} (/shared/comment \"x\")"]),
        ("lr", "s", &["+ STORE 1 -FLAGS (\\Seen)"]),
        ("lre", "t", &["+ STORE 1 +FLAGS (\\Deleted)", "+ MOVE 2 {own}"]),
        ("lrt", "e", &["+ EXPUNGE", "+ UID EXPUNGE 1", "+ MOVE 2 {own}"]),
    ];
    for (has, needs, commands) in table {
        let world = World::sharing().await;
        let mut bob = granted(&world, has).await;
        let mut alice = world.imap("alice").await;
        let fill = |command: &str| {
            let command = command.trim_start_matches("+ ").replace("{own}", "Trash");
            let below = NAME.trim_matches('"');
            if command.contains("{/}") {
                return command.replace("{/}Below", &format!("\"{below}/Below\""));
            }
            command.replace("{}", NAME)
        };
        for command in commands {
            alice.ok(&format!("SETACL Project bob@x.test {has}")).await;
            if command.starts_with('+') {
                bob.ok(&format!("SELECT {NAME}")).await;
            }
            let refused = bob.no(&fill(command)).await;
            assert!(
                refused.contains("[NOPERM]") || refused.contains("[READ-ONLY]"),
                "{has} {command}: {refused}"
            );
        }
        for command in commands {
            alice.ok(&format!("SETACL Project bob@x.test {has}{needs}")).await;
            if command.starts_with('+') {
                bob.ok(&format!("SELECT {NAME}")).await;
            }
            bob.ok(&fill(command)).await;
        }
    }
}

#[tokio::test]
async fn flags_that_may_not_be_set_are_not_kept_with_a_copy() {
    let world = World::sharing().await;
    let mut bob = granted(&world, "lrit").await;
    bob.append("INBOX (\\Deleted \\Seen \\Flagged $Work)", "Subject: x\r\n\r\n").await;
    bob.ok("SELECT INBOX").await;
    bob.ok(&format!("COPY 1 {NAME}")).await;
    bob.append(&format!("{NAME} (\\Deleted \\Seen $Work)"), "Subject: y\r\n\r\n").await;
    let mut alice = world.selected("alice", "Project").await;
    let flags = alice.ok("FETCH 4:5 FLAGS").await;
    assert_eq!(flags.matches("\\Deleted").count(), 2, "{flags}");
    assert!(!flags.contains("\\Seen") && !flags.contains("Flagged") && !flags.contains("$Work"), "{flags}");
    // A STORE is done as far as it may be.
    bob.ok(&format!("SELECT {NAME}")).await;
    bob.ok("STORE 1 FLAGS (\\Flagged \\Deleted)").await;
    let flags = alice.ok("FETCH 1 FLAGS").await;
    assert!(flags.contains("\\Seen") && flags.contains("\\Deleted") && !flags.contains("Flagged"), "{flags}");
    // Reading it does not make it seen.
    alice.ok("STORE 1 -FLAGS (\\Seen)").await;
    bob.ok("FETCH 1 BODY[]").await;
    assert!(!alice.ok("FETCH 1 FLAGS").await.contains("\\Seen"));
}

#[tokio::test]
async fn rights_through_a_group_end_with_membership() {
    let world = World::sharing().await;
    let team = |members: &[&str]| Group {
        address: Address::parse("team@x.test").unwrap(),
        enabled: true,
        description: String::new(),
        members: members.iter().map(|name| Address::parse(&format!("{name}@x.test")).unwrap()).collect(),
        posting: Posting::default(),
    };
    world.change(|draft| draft.put_group(team(&["bob", "carol"]))).await;
    let mut alice = world.imap("alice").await;
    alice.ok("CREATE Project").await;
    alice.append("Project", "Subject: x\r\n\r\n").await;
    alice.ok("SETACL Project $team@x.test lrswite").await;
    alice.ok("SETACL Project carol@x.test lr").await;
    let mut bob = world.selected("bob", NAME).await;
    let mut carol = world.selected("carol", NAME).await;
    let idle = bob.idle().await;
    world.change(|draft| draft.put_group(team(&["alice"]))).await;
    bob.peer.expect("* BYE").await;
    drop((bob, idle));
    // What carol has by herself is left: no command works by what she had before.
    let refused = carol.no("EXPUNGE").await;
    assert!(refused.contains("[READ-ONLY] Access has changed") && refused.contains("[NOPERM]"), "{refused}");
    // And whose mailbox it is counts as well.
    let idle = carol.idle().await;
    world.change_account("alice", |account| account.enabled = false).await;
    carol.peer.expect("* BYE").await;
    drop(idle);
}

#[tokio::test]
async fn what_a_partial_store_only_takes_away_is_told() {
    let world = World::sharing().await;
    let mut bob = granted(&world, "lrs").await;
    let mut alice = world.selected("alice", "Project").await;
    alice.ok("STORE 1 +FLAGS (\\Flagged $Work)").await;
    bob.ok("ENABLE CONDSTORE").await;
    bob.ok(&format!("SELECT {NAME}")).await;
    // Only \Seen is bob's to change, and nothing is added.
    let told = bob.ok("STORE 1 FLAGS.SILENT ()").await;
    assert!(told.contains("* 1 FETCH (MODSEQ ("), "{told}");
    let flags = alice.ok("FETCH 1 FLAGS").await;
    assert!(flags.contains("\\Flagged") && flags.contains("$Work") && !flags.contains("\\Seen"), "{flags}");
}

#[tokio::test]
async fn an_access_control_list_says_what_was_set() {
    let world = World::sharing().await;
    let mut alice = world.imap("alice").await;
    alice.ok("SETACL INBOX Bob@X.test lrc").await;
    alice.ok("SETACL INBOX bob@x.test +d").await;
    alice.ok("SETACL INBOX $team@x.test l").await;
    let acl = alice.ok("GETACL INBOX").await;
    assert!(acl.contains("* ACL INBOX alice@x.test acdeiklprstwx"), "{acl}");
    assert!(acl.contains(" bob@x.test cdeklrtx"), "{acl}");
    assert!(acl.contains(" $team@x.test l"), "{acl}");
    assert!(alice.no("SETACL INBOX alice@x.test l").await.contains("[CANNOT]"));
    assert!(alice.no("SETACL INBOX -alice@x.test r").await.contains("[CANNOT]"));
    assert!(alice.no("SETACL INBOX \"no address\" l").await.contains("[CANNOT]"));
    let rights = alice.ok("LISTRIGHTS INBOX bob@x.test").await;
    assert!(rights.contains("* LISTRIGHTS INBOX bob@x.test \"\" l r s w i p"), "{rights}");
}
