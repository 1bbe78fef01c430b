//! The examples of the RFCs, in words of our own, against the server machine, against the client machine, and against
//! both where both would take that course by themselves. The conversations are the files in `transcripts/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod transcripts_support;

use std::borrow::Cow;

use posthaste_imap::client::{self, Client, TlsPolicy};
use posthaste_imap::server::{self, Server};
use posthaste_imap::{Security, Time};
use posthaste_testkit::{Dialect, Failure, Side, Transcript};
use transcripts_support::{User, extensions, limits, store};

/// Tags and data count as they stand, but for the order of what has none. Of a status response the text does not, of a continuation request nothing but
/// that it is one, and of a list of capabilities or charsets that there is one: what is in it grows
/// with the machine.
struct Imap;

impl Dialect for Imap {
    fn significant<'a>(&self, by: Side, line: &'a str) -> Cow<'a, str> {
        if by == Side::Client {
            return line.into();
        }
        if line.starts_with('+') {
            return "+".into();
        }
        if line.starts_with("* CAPABILITY ") {
            return "* CAPABILITY".into();
        }
        let mut words = line.splitn(3, ' ');
        let (Some(tag), Some(word)) = (words.next(), words.next()) else { return line.into() };
        if !["OK", "NO", "BAD", "BYE", "PREAUTH"].contains(&word) {
            return in_order(line).into();
        }
        let text = words.next().unwrap_or_default();
        let code = match text.split_once(']') {
            Some((code, _)) if code.starts_with("[CAPABILITY ") => "[CAPABILITY",
            Some((code, _)) if code.starts_with("[BADCHARSET ") => "[BADCHARSET",
            Some((code, _)) if code.starts_with('[') => code,
            _ => "",
        };
        in_order(&format!("{tag} {word} {code}")).into()
    }

    fn continues(&self, _by: Side, line: &str) -> bool {
        line.starts_with("* ")
    }

    fn member<'a>(&self, by: Side, line: &'a str) -> Cow<'a, str> {
        self.significant(by, line)
    }
}

/// What has no order, in one: flags, the attributes of a mailbox, the items of a row and of a STATUS.
fn in_order(line: &str) -> String {
    let mut words = line.splitn(4, ' ');
    let line = match (words.next(), words.next(), words.next(), words.next()) {
        (Some("*"), Some("LIST"), ..) => with_sorted_list(line, " (", 1),
        (Some("*"), Some("STATUS"), ..) => with_sorted_list(line, " (", 2),
        (Some("*"), Some(_), Some("FETCH" | "UIDFETCH"), Some(_)) => with_sorted_list(line, "FETCH (", 2),
        _ => line.to_owned(),
    };
    with_sorted_list(&line, "FLAGS (", 1)
}

/// The list behind `before`, of which so many words belong together. One that ends on another line stays as it is.
fn with_sorted_list(line: &str, before: &str, together: usize) -> String {
    let Some((start, rest)) = line.split_once(before) else { return line.to_owned() };
    let Some((mut items, behind)) = words(rest) else { return line.to_owned() };
    let mut items: Vec<String> = items.chunks_mut(together).map(|words| words.join(" ")).collect();
    items.sort_unstable();
    format!("{start}{before}{}){behind}", items.join(" "))
}

/// The words up to the parenthesis that closes the list, and what is behind it.
fn words(text: &str) -> Option<(Vec<String>, &str)> {
    let (mut words, mut word, mut depth, mut is_quoted) = (Vec::new(), String::new(), 0, false);
    for (at, octet) in text.char_indices() {
        match octet {
            '"' => is_quoted = !is_quoted,
            '(' | '[' if !is_quoted => depth += 1,
            ')' if depth == 0 && !is_quoted => {
                words.push(word);
                return Some((words, &text[at + 1..]));
            }
            ')' | ']' if !is_quoted => depth -= 1,
            ' ' if depth == 0 && !is_quoted => {
                words.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        word.push(octet);
    }
    None
}

/// What has happened before the first line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Nothing: the greeting is in the script.
    Nothing,
    /// The same, and the connection is in the clear.
    InTheClear,
    /// A1 was LOGIN.
    LoggedIn,
    /// A2 was SELECT INBOX; or A3, and A2 was ENABLE of what the example needs.
    Selected,
    /// A1 was LOGIN, and ENABLE IMAP4rev2 followed.
    LoggedInRev2,
    /// After both of these A2 was SELECT INBOX.
    SelectedRev2,
}

/// What the script is played against; the other end is the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Server,
    Client,
    Both,
}

struct Example {
    name: &'static str,
    script: String,
    start: Start,
}

impl Example {
    fn new(name: &'static str, script: &str, start: Start) -> Self {
        let login = format!(
            "S: * OK [CAPABILITY {CAPABILITIES}] ready\nC: A1 LOGIN ann secret\n\
             S: A1 OK [CAPABILITY {CAPABILITIES}] in\n"
        );
        let rev2 = "C: A9 ENABLE IMAP4rev2\nS: * ENABLED IMAP4rev2\nS: A9 OK done\n";
        let exists = store(name).folders[0].messages.len();
        let enable = enabled(name)
            .map(|extension| format!("C: A2 ENABLE {extension}\nS: * ENABLED {extension}\nS: A2 OK on\n"));
        let tag = if enable.is_some() { "A3" } else { "A2" };
        let select = format!(
            "{}C: {tag} SELECT INBOX\nS& * {exists} EXISTS\nS& * OK [UIDVALIDITY 7001] x\nS& ...\n\
             S& {tag} OK [READ-WRITE] open\n",
            enable.unwrap_or_default()
        );
        let script = match start {
            Start::Nothing | Start::InTheClear => script.to_owned(),
            Start::LoggedIn => [&login, script].concat(),
            Start::Selected => [&login, &select, script].concat(),
            Start::LoggedInRev2 => [&login, rev2, script].concat(),
            Start::SelectedRev2 => [&login, rev2, &select, script].concat(),
        };
        Self { name, script, start }
    }

    fn security(&self) -> Security {
        if self.start == Start::InTheClear { Security::Plain } else { Security::Tls }
    }

    fn server(&self) -> Server {
        let mut config = server::Config::new("mail.test");
        config.mechanisms = ["PLAIN", "EXTERNAL", "GSSAPI", "SCRAM-SHA-256"].map(String::from).into();
        config.extensions = extensions(self.name);
        config.limits = limits(self.name);
        Server::new(config, self.security(), Time::ZERO)
    }

    fn client(&self) -> Client {
        let mut config = client::Config::default();
        config.tls = TlsPolicy::Required;
        Client::new(config, self.security(), Time::ZERO)
    }

    fn user(&self) -> User {
        // In the clear these are the machine's own.
        let own: &[&str] = if self.start == Start::InTheClear { &["CAPABILITY", "STARTTLS"] } else { &[] };
        User::new(&self.script, own)
    }

    fn play(&self, end: End) -> Result<(), Failure> {
        let script = Transcript::parse(&self.script)?;
        for octets in [usize::MAX, 5, 1] {
            let script = script.in_segments_of(octets);
            let (mut store, mut user) = (store(self.name), self.user());
            let on_server = |server: &mut Server, event| store.answer(server, event);
            let on_client = |client: &mut Client, event| user.act(client, event);
            match end {
                End::Server => script.play_server(&Imap, &mut self.server(), on_server)?,
                End::Client => script.play_client(&Imap, &mut self.client(), on_client)?,
                End::Both => {
                    script.play_both(&Imap, &mut self.client(), &mut self.server(), on_client, on_server)?;
                }
            }
            if let Some(puzzled) = user.puzzled {
                return Err(Failure {
                    line: 0,
                    expected: "what is understood".into(),
                    got: puzzled,
                    context: vec![],
                });
            }
        }
        Ok(())
    }
}

/// What the client is told at login, as far as an example does not begin before it. No literal goes along by itself.
const CAPABILITIES: &str = "IMAP4rev1 IDLE ID ENABLE NAMESPACE CHILDREN UIDPLUS MOVE UNSELECT SPECIAL-USE ESEARCH \
    SEARCHRES LIST-EXTENDED LIST-STATUS CONDSTORE QRESYNC SORT THREAD=REFERENCES THREAD=ORDEREDSUBJECT NOTIFY METADATA ACL QUOTA QUOTASET \
    QUOTA=RES-STORAGE QUOTA=RES-MESSAGE \
    OBJECTID PREVIEW PARTIAL UIDONLY BINARY MULTIAPPEND WITHIN ESORT CREATE-SPECIAL-USE MULTISEARCH \
    STATUS=SIZE LIST-MYRIGHTS UNAUTHENTICATE REPLACE SAVEDATE INPROGRESS CATENATE \
    CONTEXT=SEARCH CONTEXT=SORT COMPRESS=DEFLATE";

/// What is enabled before INBOX is selected in the example called `name`: later it cannot be.
fn enabled(name: &str) -> Option<&'static str> {
    match name.split('_').next().unwrap_or_default() {
        "condstore" if name == "condstore_told" => Some("CONDSTORE"),
        "qresync" => Some("QRESYNC"),
        "move" if name == "move_vanished" => Some("QRESYNC"),
        "uidonly" => Some("UIDONLY"),
        _ => None,
    }
}

macro_rules! examples {
    ($($test:ident: $name:literal, $start:ident, $($end:ident)+;)*) => {
        $(
        #[test]
        fn $test() {
            let script = include_str!(concat!("transcripts/", $name, ".txt"));
            let example = Example::new($name, script, Start::$start);
            for end in [$(End::$end),+] {
                example.play(end).unwrap_or_else(|failure| panic!("{} against {end:?}: {failure}", $name));
            }
        }
    )*
        /// The files that are played.
        const PLAYED: &[&str] = &[$($name),*];
    };
}

// An end that is left out takes another course by itself: the server has no CONTEXT and no CATENATE, never says PREAUTH, lists its capabilities in its
// greeting and always has a name; the client sends nothing that the state forbids; together they use literals that need
// no wait.
examples! {
    rfc9051_6_4_5_fetch_macros: "fetch_macros", Selected, Server;
    rfc3501_6_3_9_a_parent_that_is_not_subscribed_to: "unsubscribed_parent", LoggedIn, Server Client Both;
    rfc9051_5_5_pipelined_with_uids: "pipelined_search", Selected, Server Client Both;
    rfc5258_5_names_that_are_no_mailboxes: "list_nonexistent", LoggedIn, Server Client;
    rfc5258_5_deep_matches: "list_recursive_deep", LoggedIn, Server Client;
    rfc9051_8_a_whole_session: "conversation", Nothing, Server Client Both;
    rfc9051_6_1_1_capabilities: "capability", LoggedIn, Server Client Both;
    rfc9051_6_2_1_starttls: "starttls", InTheClear, Server Client Both;
    rfc9051_6_2_1_capabilities_before_and_after: "starttls_asked_first", InTheClear, Client;
    rfc9051_6_1_2_noop: "noop", Selected, Server Client Both;
    rfc9051_6_1_3_logout: "logout", LoggedIn, Server Client Both;
    rfc9051_6_2_2_authenticate_plain: "authenticate_plain", Nothing, Server Client Both;
    rfc9051_6_2_2_authenticate_with_an_empty_challenge: "authenticate_empty_challenge", Nothing, Server Client Both;
    rfc9051_6_2_2_authenticate_external: "authenticate_external", Nothing, Server Client Both;
    rfc9051_6_2_2_authenticate_with_challenges: "authenticate_challenges", Nothing, Server Client Both;
    rfc9051_6_2_2_authenticate_again: "authenticate_refused", Nothing, Server Client Both;
    rfc9051_6_2_3_login: "login", Nothing, Server Client Both;
    rfc3501_7_5_login_in_literals: "login_literals", Nothing, Server;
    rfc7888_3_literals_without_a_wait: "login_literals_plus", Nothing, Server;
    rfc9051_6_3_1_enable: "enable", LoggedIn, Server Client;
    rfc5161_3_1_enable_nothing: "enable_nothing", LoggedIn, Server Client Both;
    rfc9051_6_3_2_select: "select", LoggedIn, Client;
    rfc9051_6_3_2_select_in_rev2: "select", LoggedInRev2, Server;
    rfc9051_6_3_2_select_another: "select_closed", Selected, Client;
    rfc9051_6_3_2_select_another_in_rev2: "select_closed", SelectedRev2, Server;
    rfc3501_6_3_1_select: "select_rev1", LoggedIn, Server Client Both;
    rfc9051_6_3_2_select_nothing: "select_refused", Selected, Server Client Both;
    rfc9051_6_3_3_examine: "examine", LoggedIn, Client;
    rfc9051_6_3_3_examine_in_rev2: "examine", LoggedInRev2, Server;
    rfc3501_6_3_2_examine: "examine_rev1", LoggedIn, Server Client Both;
    rfc9051_6_3_4_create: "create", LoggedIn, Server Client Both;
    rfc9051_6_3_4_create_with_another_spelling: "create_normalised", LoggedIn, Server Client;
    rfc9051_6_3_5_delete: "delete", LoggedIn, Server Client Both;
    rfc9051_6_3_6_rename: "rename", LoggedIn, Server Client Both;
    rfc9051_6_3_6_rename_inbox: "rename_inbox", LoggedIn, Server Client Both;
    rfc9051_6_3_7_subscribe: "subscribe", LoggedIn, Server Client Both;
    rfc3501_6_3_9_lsub: "lsub", LoggedIn, Server Client Both;
    rfc9051_6_3_9_list: "list", LoggedIn, Server Client Both;
    rfc9051_6_3_10_one_namespace: "namespace_personal", LoggedIn, Server Client Both;
    rfc9051_6_3_10_a_shared_namespace: "namespace_shared_only", LoggedIn, Server Client Both;
    rfc9051_6_3_10_a_public_namespace: "namespace_public", LoggedIn, Server Client Both;
    rfc9051_6_3_10_many_namespaces: "namespace_all", LoggedIn, Server Client Both;
    rfc9051_6_3_10_below_inbox: "namespace_below_inbox", LoggedIn, Server Client Both;
    rfc9051_6_3_10_an_extended_namespace: "namespace_extension", LoggedIn, Client;
    rfc9051_6_3_11_status: "status", LoggedIn, Server Client Both;
    rfc9051_6_3_12_append: "append", LoggedIn, Server Client;
    rfc9051_6_3_12_append_without_a_wait: "append_plus", Nothing, Server Client Both;
    rfc9051_6_3_12_append_to_the_selected_mailbox: "append_selected", Selected, Server Client;
    rfc9051_6_3_12_append_to_nowhere: "append_nowhere", LoggedIn, Server Client;
    rfc9208_4_3_1_append_over_quota: "append_over_quota", LoggedIn, Server Client;
    rfc2177_3_idle: "idle", Selected, Server Client Both;
    rfc2177_3_idle_and_expunges: "idle_expunge", Selected, Server Client Both;
    rfc3501_6_4_1_check: "check", Selected, Server Client Both;
    rfc9051_6_4_1_close: "close", Selected, Server Client Both;
    rfc9051_6_4_2_unselect: "unselect", Selected, Server Client Both;
    rfc9051_6_4_3_expunge: "expunge", Selected, Server Client Both;
    rfc3501_6_4_4_search: "search", Selected, Server Client;
    rfc9051_6_4_4_esearch: "esearch", Selected, Server Client;
    rfc9051_6_4_5_fetch_fields: "fetch_fields", Selected, Server Client Both;
    rfc9051_6_4_5_1_fetch_parts: "fetch_parts", Selected, Server Client Both;
    rfc3501_6_4_5_fetch_by_the_old_names: "fetch_rev1", Selected, Server Client Both;
    rfc9051_6_4_5_fetch_binary: "fetch_binary", Selected, Server Client;
    rfc9051_6_4_6_store: "store", Selected, Server Client Both;
    rfc9051_6_4_7_copy_and_trycreate: "copy", Selected, Server Client Both;
    rfc6851_3_3_move: "move", Selected, Server Client Both;
    rfc9051_6_4_9_uid_fetch: "uid_fetch", Selected, Server Client Both;
    rfc4315_3_uids_of_what_is_appended_and_copied: "uidplus", Selected, Server Client;
    rfc4315_3_uids_that_do_not_stay: "uidnotsticky", LoggedIn, Server Client;
    rfc9051_7_1_warnings: "warnings", Selected, Server Client;
    rfc9051_7_1_3_an_error_of_no_command: "errors_untagged", Selected, Client;
    rfc9051_7_1_errors: "errors", LoggedIn, Server;
    rfc9051_7_1_4_preauth: "preauth", Nothing, Client;
    rfc9051_7_1_5_bye: "bye", Nothing, Client;
    rfc9051_5_5_pipelined: "pipelined", Selected, Server Client Both;
    rfc2971_3_id: "id", LoggedIn, Server Client Both;
    rfc2971_3_2_id_of_nobody: "id_nil", LoggedIn, Client;
    rfc5258_5_subscribed: "list_subscribed", LoggedIn, Server Client;
    rfc5258_5_children: "list_children", LoggedIn, Server Client;
    rfc5258_5_remote: "list_remote", LoggedIn, Server Client;
    rfc5258_5_recursive: "list_recursive", LoggedIn, Server Client;
    rfc5258_5_patterns: "list_patterns", LoggedIn, Server Client;
    rfc5819_2_list_with_status: "list_status", LoggedIn, Server Client;
    rfc7162_3_1_2_select_with_mod_sequences: "condstore_select", LoggedIn, Server Client;
    rfc7162_3_1_2_select_without_mod_sequences: "condstore_nomodseq", LoggedIn, Server Client;
    rfc7162_3_1_7_status: "condstore_status", LoggedIn, Server Client Both;
    rfc7162_3_2_7_expunge: "qresync_expunge", Selected, Server Client;
    rfc4731_3_1_more_of_esearch: "esearch_more", Selected, Server Client;
    rfc7162_3_1_4_2_changes_of_others: "condstore_told", Selected, Server Client;
    rfc7162_3_2_10_2_vanished: "qresync_noop", Selected, Server Client;
    rfc9208_4_3_1_a_soft_limit: "quota_soft", Selected, Server Client;
    rfc6851_4_4_move_with_vanished: "move_vanished", Selected, Server Client;
    rfc5182_2_1_search_save_again: "search_save_again", Selected, Server Client;
    rfc9051_6_4_4_3_search_not_saved: "search_not_saved", Selected, Server Client;
    rfc5464_4_3_setmetadata_literal: "setmetadata_literal", LoggedIn, Server Client;
    rfc8474_4_3_objectid_rename: "objectid_rename", LoggedIn, Server Client;
    rfc7162_3_2_5_2_qresync_match: "qresync_match", LoggedIn, Server Client;
    rfc9051_6_4_4_4_search_save: "search_save", Selected, Server Client;
    rfc7162_3_1_4_condstore_fetch: "condstore_fetch", Selected, Server Client;
    rfc7162_3_2_5_1_qresync_select: "qresync_select", LoggedIn, Server Client;
    rfc7162_3_2_6_qresync_fetch: "qresync_fetch", Selected, Server Client;
    rfc5256_6_sort: "sort", Selected, Server Client;
    rfc5465_3_1_notify: "notify", LoggedIn, Server Client;
    rfc5465_3_1_notify_bad_event: "notify_bad_event", LoggedIn, Server Client;
    rfc5464_4_2_metadata: "metadata", LoggedIn, Server Client;
    rfc4314_3_1_acl: "acl", LoggedIn, Server Client;
    rfc8474_4_objectid: "objectid", LoggedIn, Server Client;
    rfc8474_5_3_objectid_fetch: "objectid_fetch", Selected, Server Client;
    rfc8970_3_preview: "preview", Selected, Server Client;
    rfc9394_3_1_partial: "partial", Selected, Server Client;
    rfc7162_3_1_3_condstore_store_told: "condstore_store_told", Selected, Server Client;
    rfc7162_3_2_5_1_qresync_mismatch: "qresync_mismatch", LoggedIn, Server Client;
    rfc7162_3_2_11_qresync_closed: "qresync_closed", Selected, Server Client;
    rfc5465_5_1_notify_changes: "notify_changes", Selected, Server Client;
    rfc5464_4_2_1_metadata_more: "metadata_more", LoggedIn, Server Client;
    rfc4314_3_1_acl_negative: "acl_negative", LoggedIn, Server Client;
    rfc9208_4_1_3_quota_system: "quota_system", LoggedIn, Server Client;
    rfc8474_4_1_objectid_list: "objectid_list", LoggedIn, Server Client;
    rfc8970_4_1_preview_literal: "preview_literal", Selected, Server Client;
    rfc9394_3_1_partial_pipelined: "partial_pipelined", Selected, Server Client;
    rfc9586_3_3_uidonly_store: "uidonly_store", Selected, Server Client;
    rfc5256_4_thread_nested: "thread_nested", Selected, Server Client;
    rfc5256_6_thread: "thread", Selected, Server Client;
    rfc9586_3_uidonly: "uidonly", Selected, Server Client;
    rfc9586_3_uidonly_refuses_numbers: "uidonly_numbers", Selected, Server;
    rfc7162_3_1_3_condstore_store: "condstore_store", Selected, Server Client;
    rfc7162_3_1_5_condstore_search: "condstore_search", Selected, Server Client;
    rfc9208_4_1_quota: "quota", LoggedIn, Server Client;
    rfc4731_3_2_esearch_modseq: "esearch_modseq", Selected, Server Client;
    rfc4314_3_1_no_such_right: "acl_no_such_right", LoggedIn, Server;
    rfc7162_3_1_3_condstore_store_with_some_gone: "condstore_store_gone", Selected, Server Client;
    rfc5465_5_8_notify_too_much: "notify_overflow", Selected, Server Client;
    rfc5258_5_one_hierarchy: "list_family", LoggedIn, Server Client;
    rfc6154_5_1_roles: "list_roles", LoggedIn, Server Client;
    rfc6154_5_3_create_for_something: "create_role", LoggedIn, Server Client;
    rfc6154_5_4_roles_as_annotations: "metadata_roles", LoggedIn, Server Client;
    rfc8440_4_list_with_rights: "list_my_rights", LoggedIn, Server Client;
    rfc9051_6_3_9_8_roots: "list_roots", LoggedIn, Server Client;
    rfc9051_6_3_10_other_users: "namespace_others", LoggedIn, Server Client;
    rfc8438_3_status_size: "status_size", LoggedIn, Server Client;
    rfc8474_5_3_appended_and_moved: "objectid_append", Selected, Server Client;
    rfc8508_3_2_replace: "replace", Selected, Server Client;
    rfc8508_4_2_replace_with_catenate: "replace_catenate", Selected, Client;
    rfc4469_5_append_of_parts: "append_parts", Selected, Client;
    rfc8514_4_2_savedate: "savedate", Selected, Server Client;
    rfc8970_5_preview_of_what_was_found: "preview_saved", Selected, Server Client;
    rfc9586_3_6_uidonly_move: "uidonly_move", Selected, Server Client;
    rfc9585_4_progress: "progress", Selected, Server Client;
    rfc4314_4_flags_by_rights: "acl_copy", Selected, Server Client;
    rfc4314_5_1_1_select_and_rights: "acl_select", LoggedIn, Server;
    rfc4314_4_list: "acl_list", LoggedIn, Server Client;
    rfc5182_2_1_a_failed_save_leaves_nothing: "search_save_bad_charset", Selected, Server;
    rfc5182_2_4_what_is_saved: "search_save_options", Selected, Server Client;
    rfc5182_2_2_search_save_in_a_charset: "search_save_charset", Selected, Server Client;
    rfc5182_2_3_search_save_without_a_wait: "search_save_pipelined", Selected, Server Client;
    rfc5267_3_3_esort: "esort", Selected, Server Client;
    rfc5267_4_3_updates: "context_update", Selected, Client;
    rfc5267_4_3_1_updates_refused: "context_noupdate", Selected, Client;
    rfc5267_4_4_pages: "context_pages", Selected, Client;
    rfc5032_4_within: "within", Selected, Server Client;
    rfc3516_4_4_append_binary: "append_binary", LoggedIn, Server;
    rfc3502_6_3_11_append_several: "append_several", LoggedIn, Server Client;
    rfc4978_3_compress: "compress", LoggedIn, Server Client Both;
    rfc4978_3_compress_twice: "compress_twice", InTheClear, Server;
    rfc7377_3_several_mailboxes: "multisearch", LoggedIn, Server Client;
    rfc5465_3_1_notify_and_select: "notify_select", LoggedIn, Server Client;
    rfc9051_6_3_5_delete_a_parent: "delete_parent", LoggedIn, Server Client;
    rfc9051_6_3_6_rename_and_subscriptions: "rename_subscribed", LoggedIn, Server Client;
    rfc9051_7_1_codes_of_login: "codes_login", Nothing, Server Client;
    rfc9051_7_1_codes: "codes", Selected, Server Client;
    rfc9051_7_6_literals: "errors_literal", LoggedIn, Server;
    rfc9051_8_a_whole_session_in_rev2: "conversation_rev2", InTheClear, Server;
    rfc8437_3_unauthenticate: "unauthenticate", LoggedIn, Server;
    rfc8437_3_nobody_has_mail: "unauthenticate_nobody", LoggedIn, Server;
    rfc7162_3_2_8_qresync_close: "qresync_close", Selected, Server Client;
    rfc7162_3_1_3_condstore_of_the_last: "condstore_last", Selected, Server Client;
    rfc9394_3_3_partial_fetch: "partial_fetch", Selected, Server Client;
}
/// No file is forgotten.
#[test]
fn every_file_is_played() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(PLAYED.contains(&&*name), "{name} is not played");
    }
}

/// The examples fail where the machines do something else: the player is not blind.
#[test]
fn an_example_that_is_not_kept_to_is_found() {
    let script = include_str!("transcripts/conversation.txt");
    for (end, from, to) in [
        (End::Server, "* 4 EXISTS", "* 5 EXISTS"),
        (End::Server, "RFC822.SIZE 281", "RFC822.SIZE 280"),
        (End::Server, "[UNSEEN 2]", "[UNSEEN 3]"),
        (End::Server, "A2 OK [READ-WRITE]", "A2 OK [READ-ONLY]"),
        (End::Server, "S| Date: Mon", "S| Date: Tue"),
        (End::Server, "* 1 FETCH (FLAGS (\\Seen \\Deleted))\n", "* 1 FETCH (FLAGS (\\Deleted))\n"),
        (End::Server, "* BYE", "* NO"),
        (End::Client, "C: A2 SELECT", "C: A3 SELECT"),
        (End::Client, "S: A5 OK", "S: A9 OK"),
        (End::Client, "{271}", "{9271}"),
        (End::Client, "* 1 FETCH (FLAGS (\\Seen \\Deleted))\n", "* 9999999999 FETCH (FLAGS ())\n"),
        (End::Both, "C: A6 LOGOUT", "C: A6 NOOP"),
    ] {
        let changed = script.replacen(from, to, 1);
        assert_ne!(changed, script, "{from}");
        let example = Example::new("conversation", &changed, Start::Nothing);
        assert!(example.play(end).is_err(), "{end:?}: {to}");
    }
}
