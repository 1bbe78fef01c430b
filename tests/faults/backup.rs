//! REL-28: a copy that is made during work holds what was acknowledged before it was begun, whole and once.

use std::{fs, sync::Arc};

use crate::{
    ledger::Ledger,
    load::{Kind, Load},
    machine::Dice,
    message::{self, FIELD},
    server::{Server, Setting},
    talk::Imap,
};

#[test]
fn rel_28_a_copy_made_during_work_can_be_served() {
    let server = Server::start();
    let ledger = Arc::new(Ledger::default());
    let mut dice = Dice::new(28);
    let load = Load::start(&server, &ledger, Kind::Additions, &mut dice);
    let begun = crate::machine::eventually(std::time::Duration::from_secs(20), || {
        (ledger.acknowledged() > 50).then_some(())
    });
    assert!(begun.is_some(), "the load does not work\n{}", server.log());
    let before = ledger.certain();
    let copy = server.folder().join("copy");
    server.ask(&["backup", copy.to_str().unwrap()]).success();
    load.stop();
    ledger.audit(&server);
    assert!(ledger.acknowledged() > before.len(), "nothing came during the copy");

    let mut other = Server::start_with(Setting::default());
    other.kill();
    fs::remove_dir_all(other.data()).unwrap();
    other.ask(&["restore", copy.to_str().unwrap()]).success();
    other.launch();
    other.check();
    let mut missing = before.clone();
    for user in crate::server::USERS {
        let mut imap = Imap::open(other.ports(), user).unwrap();
        for mailbox in crate::ledger::mailboxes(&mut imap) {
            imap.ok(&format!("EXAMINE {mailbox}"));
            let mut ids = std::collections::BTreeSet::new();
            for row in imap.messages("1:*", "BODY.PEEK[]").unwrap() {
                let id = message::id_of(&row.octets).unwrap_or_else(|| panic!("a message without {FIELD}"));
                assert!(message::is_whole(id, &row.octets), "{id} of {user} has changed");
                assert!(ids.insert(id), "{id} of {user} is there twice");
                missing.remove(&(user, id));
            }
        }
    }
    assert!(missing.is_empty(), "not in the copy: {missing:?}");
}
