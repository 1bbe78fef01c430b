//! What RFC 5258 (LIST-EXTENDED), RFC 5819 (LIST-STATUS), RFC 6154 (SPECIAL-USE) and RFC 9051 6.3.9 ask of a server
//! and of a client. The lists that name these tests are in `tests/requirements/` of the workspace. Which names a
//! listing has is decided by `pattern`, and tested there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;
#[path = "support/server.rs"]
mod support;

use posthaste_imap::client::{Client, Event as ClientEvent};
use posthaste_imap::pattern::{MailboxName, Matcher, Selection, list};
use posthaste_imap::server::{Event, Refusal};
use posthaste_imap::types::{
    ListCommand, ListPattern, ListResponse, ListReturn, ListSelection, ListStyle, Mailbox, MailboxAttribute,
    SpecialUse, StatusAttribute, StatusItem,
};
use posthaste_imap::{Misuse, Step, Time};
use support::{everything, named_event, said, selected, sent};

fn name(name: &str) -> Mailbox {
    Mailbox::new(name).unwrap()
}

fn row(name: &str, attributes: &[MailboxAttribute]) -> ListResponse {
    ListResponse {
        attributes: attributes.to_vec(),
        delimiter: Some('/'),
        mailbox: Mailbox::new(name).unwrap(),
        child_info: vec![],
        old_name: None,
    }
}

/// What the application hears of a LIST.
fn asked(command: &str) -> ListCommand {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, format!("a LIST {command}\r\n").as_bytes());
    let list = named_event!(server, List);
    let heard = list.request().clone();
    list.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "a OK LIST completed\r\n");
    heard
}

#[test]
fn rfc5258_3_all_options_reach_the_application() {
    let list =
        asked("(SUBSCRIBED REMOTE RECURSIVEMATCH SPECIAL-USE) \"\" (\"a/%\" b) RETURN (SUBSCRIBED CHILDREN)");
    assert_eq!(list.style, ListStyle::Extended);
    assert_eq!(
        list.selection,
        [
            ListSelection::Subscribed,
            ListSelection::Remote,
            ListSelection::RecursiveMatch,
            ListSelection::SpecialUse
        ]
    );
    let patterns: Vec<&str> = list.patterns.iter().map(ListPattern::as_str).collect();
    assert_eq!(patterns, ["a/%", "b"]);
    assert_eq!(list.returns, [ListReturn::Subscribed, ListReturn::Children]);
    let list = asked("\"\" * RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))");
    let status = vec![StatusAttribute::Messages, StatusAttribute::UidNext];
    assert_eq!(list.returns, [ListReturn::SpecialUse, ListReturn::Status(status)]);
    // Options may be none.
    let list = asked("() \"\" * RETURN ()");
    assert!(list.style == ListStyle::Extended && list.selection.is_empty() && list.returns.is_empty());
}

#[test]
fn rfc5258_3_an_option_may_come_twice() {
    let list = asked("(SUBSCRIBED SUBSCRIBED) \"\" * RETURN (CHILDREN CHILDREN)");
    assert!(list.selection.iter().all(|option| *option == ListSelection::Subscribed));
    assert!(list.returns.iter().all(|option| *option == ListReturn::Children));
}

#[test]
fn rfc5258_3_an_empty_pattern_asks_for_the_delimiter_in_basic_style_only() {
    let names = [MailboxName { name: "a", exists: true, subscribed: true }];
    assert_eq!(asked("\"\" \"\"").style, ListStyle::Basic);
    for command in ["\"\" (\"\")", "() \"\" \"\"", "\"\" \"\" RETURN ()", "\"\" (\"\" a)"] {
        let list_command = asked(command);
        assert_eq!(list_command.style, ListStyle::Extended, "{command}");
        let patterns: Vec<Matcher> =
            list_command.patterns.iter().map(|pattern| Matcher::new("", pattern.as_str(), '/')).collect();
        let found = list(&names, &patterns, Selection::Existing, '/');
        assert_eq!(found.len(), patterns.len() - 1, "the empty one matches nothing: {command}");
    }
}

#[test]
fn rfc5258_3_1_recursivematch_alone_is_bad() {
    for (options, answer) in [
        ("RECURSIVEMATCH", "BAD"),
        ("RECURSIVEMATCH REMOTE", "BAD"),
        ("REMOTE RECURSIVEMATCH", "BAD"),
        ("RECURSIVEMATCH SUBSCRIBED", "OK"),
        ("SUBSCRIBED REMOTE RECURSIVEMATCH", "OK"),
        ("REMOTE", "OK"),
    ] {
        let mut server = selected(everything());
        let text = said(&mut server, format!("a LIST ({options}) \"\" *\r\n").as_bytes());
        assert!(text.contains(&format!("a {answer} ")), "{options}: {text}");
    }
}

#[test]
fn rfc5258_3_rows_leave_as_the_application_gives_them() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" % RETURN (CHILDREN)\r\n");
    let list = named_event!(server, List);
    let parent = ListResponse {
        child_info: vec![posthaste_imap::types::Atom::new("SUBSCRIBED").unwrap()],
        ..row("Foo", &[MailboxAttribute::NonExistent, MailboxAttribute::HasChildren])
    };
    list.row(&mut server, parent).unwrap();
    let attributes =
        [MailboxAttribute::Subscribed, MailboxAttribute::Remote, MailboxAttribute::HasNoChildren];
    list.row(&mut server, row("Bar", &attributes)).unwrap();
    list.ok(&mut server).unwrap();
    let expected = "* LIST (\\NonExistent \\HasChildren) \"/\" Foo (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n\
                    * LIST (\\Subscribed \\Remote \\HasNoChildren) \"/\" Bar\r\na OK LIST completed\r\n";
    assert_eq!(sent(&mut server), expected);
}

#[test]
fn rfc5819_2_status_follows_each_row_that_has_one() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))\r\n");
    let list = named_event!(server, List);
    list.row(&mut server, row("INBOX", &[])).unwrap();
    list.status(&mut server, name("INBOX"), vec![StatusItem::Messages(17), StatusItem::Unseen(16)]).unwrap();
    list.row(&mut server, row("foo", &[MailboxAttribute::NoSelect])).unwrap();
    list.ok(&mut server).unwrap();
    let expected = "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 17 UNSEEN 16)\r\n\
                    * LIST (\\Noselect) \"/\" foo\r\na OK LIST completed\r\n";
    assert_eq!(sent(&mut server), expected);
}

/// A logged-in client with INBOX selected whose server has LIST-EXTENDED and this.
fn client(more: &str) -> Client {
    client_support::selected(&format!("LIST-EXTENDED {more}"))
}

fn extended(
    client: &mut Client,
    selection: Vec<ListSelection>,
    returns: Vec<ListReturn>,
) -> Result<posthaste_imap::client::CommandId, Misuse> {
    client.list_extended(selection, name(""), vec![ListPattern::new("*").unwrap()], returns)
}

#[test]
fn rfc5258_3_a_client_sends_no_option_that_is_not_announced() {
    type Options = (Vec<ListSelection>, Vec<ListReturn>);
    let cases: [(&str, Options); 5] = [
        ("SPECIAL-USE", (vec![ListSelection::SpecialUse], vec![])),
        ("SPECIAL-USE", (vec![], vec![ListReturn::SpecialUse])),
        ("LIST-STATUS", (vec![], vec![ListReturn::Status(vec![StatusAttribute::Messages])])),
        ("LIST-MYRIGHTS", (vec![], vec![ListReturn::MyRights])),
        (
            "LIST-METADATA",
            (
                vec![],
                vec![ListReturn::Metadata(vec![posthaste_imap::types::EntryName::new("/shared/x").unwrap()])],
            ),
        ),
    ];
    for (capability, (selection, returns)) in cases {
        let mut without = client("");
        let refused = extended(&mut without, selection.clone(), returns.clone());
        assert!(matches!(refused, Err(Misuse::NotNow { .. })), "{capability}: {refused:?}");
        assert_eq!(client_support::sent(&mut without), "", "{capability}");
        extended(&mut client(capability), selection, returns).unwrap();
    }
    for (selection, returns) in [
        (vec![ListSelection::Subscribed, ListSelection::RecursiveMatch], vec![]),
        (vec![ListSelection::Remote], vec![]),
        (vec![], vec![ListReturn::Children, ListReturn::Subscribed]),
    ] {
        extended(&mut client(""), selection.clone(), returns.clone()).unwrap();
        let mut without = client_support::selected("");
        assert!(extended(&mut without, selection, returns).is_err(), "LIST-EXTENDED is not announced");
        assert_eq!(client_support::sent(&mut without), "");
    }
}

#[test]
fn rfc6154_2_roles_are_told_and_read() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a LIST (SPECIAL-USE) \"\" *\r\n");
    let list = named_event!(server, List);
    assert_eq!(list.selection, [ListSelection::SpecialUse]);
    let mut client = client("SPECIAL-USE");
    for role in SpecialUse::EVERY {
        let attribute = MailboxAttribute::SpecialUse(role);
        list.row(&mut server, row("x", std::slice::from_ref(&attribute))).unwrap();
        let text = sent(&mut server);
        assert_eq!(text, format!("* LIST (\\{}) \"/\" x\r\n", role.name()));
        client.handle_input(Time::ZERO, text.to_lowercase().replace("list", "LIST").as_bytes());
        let Step::Event(ClientEvent::List(heard)) = client.poll_event().unwrap() else { panic!("{text}") };
        assert_eq!(heard.attributes, [attribute]);
    }
    list.ok(&mut server).unwrap();
}

#[test]
fn rfc6154_3_create_with_a_role_that_cannot_be_had_is_no_useattr() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a CREATE MyDrafts (USE (\\Drafts \\All))\r\n");
    let Ok(Step::Event(Event::Create(create))) = server.poll_event() else { panic!("no CREATE") };
    assert_eq!(create.special_use, [SpecialUse::Drafts, SpecialUse::All]);
    create.no(&mut server, Refusal::use_attribute()).unwrap();
    assert!(sent(&mut server).starts_with("a NO [USEATTR] "));
}

#[test]
fn rfc6154_3_use_needs_its_capability_on_both_sides() {
    let mut server = selected(everything());
    let names = support::names(&server.capabilities());
    assert!(names.iter().any(|name| name == "SPECIAL-USE"), "{names:?}");
    assert!(names.iter().any(|name| name == "CREATE-SPECIAL-USE"), "{names:?}");
    let roles = || vec![SpecialUse::Drafts];
    let mut without = client("SPECIAL-USE");
    assert!(matches!(without.create_with_use(name("x"), roles()), Err(Misuse::NotNow { .. })));
    assert_eq!(client_support::sent(&mut without), "");
    client("CREATE-SPECIAL-USE").create_with_use(name("x"), roles()).unwrap();
    assert!(said(&mut server, b"a CREATE x (USE (\\Drafts))\r\n").starts_with("a OK "));
    let mut plain = selected(posthaste_imap::server::Extensions::new());
    assert!(said(&mut plain, b"a CREATE x (USE (\\Drafts))\r\n").starts_with("a BAD "));
}

#[test]
fn rfc5258_3_4_an_attribute_implies_those_that_are_weaker() {
    use MailboxAttribute::{HasChildren, HasNoChildren, NoInferiors, NoSelect, NonExistent};
    for (told, has, has_not) in [
        (&[NoInferiors][..], &[NoInferiors, HasNoChildren][..], &[NoSelect, NonExistent][..]),
        (&[NonExistent, HasChildren], &[NonExistent, NoSelect, HasChildren], &[HasNoChildren, NoInferiors]),
        (&[NoSelect], &[NoSelect], &[NonExistent, HasNoChildren]),
        (&[], &[], &[NoSelect, HasNoChildren]),
    ] {
        let mut client = client("");
        let names: Vec<String> = told.iter().map(|attribute| format!("\\{}", attribute.name())).collect();
        let line = format!("* LIST ({}) \"/\" x\r\n", names.join(" "));
        client.handle_input(Time::ZERO, line.as_bytes());
        let Step::Event(ClientEvent::List(heard)) = client.poll_event().unwrap() else { panic!("{line}") };
        assert!(has.iter().all(|attribute| heard.has(attribute)), "{line}");
        assert!(!has_not.iter().any(|attribute| heard.has(attribute)), "{line}");
    }
}

#[test]
fn rfc5258_3_1_a_client_does_not_send_recursivematch_alone() {
    use ListSelection::{RecursiveMatch, Remote, SpecialUse, Subscribed};
    for options in [vec![RecursiveMatch], vec![RecursiveMatch, Remote], vec![Remote, RecursiveMatch]] {
        let mut client = client("SPECIAL-USE");
        let refused = extended(&mut client, options, vec![]);
        assert!(matches!(refused, Err(Misuse::Argument { argument: "RECURSIVEMATCH", .. })), "{refused:?}");
        assert_eq!(client_support::sent(&mut client), "");
    }
    for options in [vec![RecursiveMatch, Subscribed], vec![SpecialUse, RecursiveMatch], vec![Remote]] {
        extended(&mut client("SPECIAL-USE"), options, vec![]).unwrap();
    }
}
