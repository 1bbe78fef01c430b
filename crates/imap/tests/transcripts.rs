//! The examples of the RFCs, in words of our own, against the server machine, against the client machine, and against
//! both where both would take that course by themselves. The conversations are the files in `transcripts/`.
//!
//! Those that need what the machines cannot do yet are written as well; [`all_pending`] says what they wait for, and that
//! each of them fails today is a test, so that it is taken off that list when it no longer does.
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
use posthaste_imap::server::{self, Extensions, Server};
use posthaste_imap::types::{MailboxAttribute, QuotaResource, ThreadAlgorithm};
use posthaste_imap::{Security, Time};
use posthaste_testkit::{Dialect, Failure, Side, Transcript};
use transcripts_support::{Folder, Store, User};

/// Tags and data count as they stand, but for the order of flags. Of a status response the text does not, of a continuation request nothing but
/// that it is one, and of a list of capabilities that there is one: what is in it grows with the machine.
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
            return with_sorted_flags(line).into();
        }
        let text = words.next().unwrap_or_default();
        let code = match text.split_once(']') {
            Some((code, _)) if code.starts_with("[CAPABILITY ") => "[CAPABILITY",
            Some((code, _)) if code.starts_with('[') => code,
            _ => "",
        };
        with_sorted_flags(&format!("{tag} {word} {code}")).into()
    }

    fn continues(&self, _by: Side, line: &str) -> bool {
        line.starts_with("* ")
    }

    fn member<'a>(&self, by: Side, line: &'a str) -> Cow<'a, str> {
        self.significant(by, line)
    }
}

/// Flags are a set, and no list of them has an order.
fn with_sorted_flags(line: &str) -> String {
    let Some((before, rest)) = line.split_once("FLAGS (") else { return line.to_owned() };
    let Some((flags, behind)) = rest.split_once(')') else { return line.to_owned() };
    let mut flags: Vec<&str> = flags.split(' ').collect();
    flags.sort_unstable();
    format!("{before}FLAGS ({}){behind}", flags.join(" "))
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
        };
        Self { name, script, start }
    }

    fn security(&self) -> Security {
        if self.start == Start::InTheClear { Security::Plain } else { Security::Tls }
    }

    fn server(&self) -> Server {
        let mut config = server::Config::new("mail.test");
        config.mechanisms = ["PLAIN", "EXTERNAL", "GSSAPI"].map(String::from).into();
        config.extensions = extensions(self.name);
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
            if ["list_", "sort", "thread"].iter().any(|it| self.name.starts_with(it)) {
                store = store.reciting(&self.script);
            }
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
    OBJECTID PREVIEW PARTIAL UIDONLY BINARY MULTIAPPEND";

const NOTE: &str = "Date: Mon, 5 Jan 2026 10:00:07 +0100\r\nSubject: Notes of the garden meeting\r\n\
    From: Ann Lee <ann@mail.test>\r\nTo: garden@mail.test\r\nCc: minutes@lists.test, Bob Roy <bob@far.test>\r\n\
    Message-ID: <n-1@mail.test>\r\nMIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n\
    See you.\r\n";

const PHOTO: &str = "From: bob@far.test\r\nSubject: roses\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
    --x\r\n\r\nlook\r\n--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n";

const SHORT: &str = "From: Dora <dora@far.test>\r\nSubject: Re: roses\r\n\r\nnice\r\n";

const LATE: &str = "From: bob@far.test\r\nSubject: rain\r\n\r\ntomorrow\r\n";

/// What is enabled before INBOX is selected in the example called `name`: later it cannot be.
fn enabled(name: &str) -> Option<&'static str> {
    match name.split('_').next().unwrap_or_default() {
        "qresync" => Some("QRESYNC"),
        "move" if name == "move_vanished" => Some("QRESYNC"),
        "uidonly" => Some("UIDONLY"),
        _ => None,
    }
}

/// What the server offers in the example called `name`. Each extension for itself: what it changes, it changes alone.
fn extensions(name: &str) -> Extensions {
    let none = Extensions::new();
    match name.split('_').next().unwrap_or_default() {
        "acl" => none.with_acl(),
        "condstore" | "enable" => none.with_cond_store(),
        "fetch" if name == "fetch_binary" => none.with_binary(),
        "list" => none.with_list_status(),
        "metadata" | "setmetadata" => none.with_metadata(),
        "move" if name == "move_vanished" => none.with_qresync(),
        "notify" => none.with_notify(),
        "objectid" => none.with_object_id().with_list_status(),
        "partial" => none.with_partial(),
        "preview" => none.with_preview(),
        "qresync" => none.with_qresync(),
        "quota" => none.with_quota([QuotaResource::Storage, QuotaResource::Message]).with_quota_set(),
        "search" if name.starts_with("search_") => none.with_search_res(),
        "sort" => none.with_sort(),
        "thread" => none.with_thread([ThreadAlgorithm::References, ThreadAlgorithm::OrderedSubject]),
        "uidonly" => none.with_uid_only(),
        _ if name == "esearch_modseq" => none.with_cond_store(),
        _ => none,
    }
}

/// The mail behind the server in the example called `name`.
fn store(name: &str) -> Store {
    let inbox = Folder::new("INBOX", 7001)
        .with(11, "\\Seen", NOTE)
        .with(12, "", PHOTO)
        .with(14, "\\Flagged", SHORT)
        .with(15, "\\Seen \\Deleted", LATE);
    let mut store =
        Store::new([inbox, Folder::new("Drafts", 7002), Folder::new("Sent", 7003).with(4, "", SHORT)]);
    let work = |name: &str| [Folder::new(name, 7004).with_attribute(MailboxAttribute::NoSelect)];
    match name {
        "qresync_noop" => store.news.push_back(&["VANISHED 12,15", "3 EXISTS"]),
        "condstore_told" => {
            store.news.push_back(&["1 FETCH (FLAGS (\\Deleted \\Answered) MODSEQ (12121231000))"]);
        }
        "noop" => {
            store.news.push_back(&["2 EXPUNGE", "4 EXISTS", "1 FETCH (UID 11 FLAGS (\\Seen \\Answered))"]);
        }
        "idle" => store.news.push_back(&["2 EXPUNGE", "4 EXISTS", "1 FETCH (FLAGS (\\Seen \\Answered))"]),
        "idle_expunge" => store.news.push_back(&["4 EXPUNGE", "3 EXPUNGE"]),
        "delete" => {
            store.folders.truncate(1);
            store.folders.push(Folder::new("todo", 7002));
            store.folders.extend(work("work"));
            store.folders.push(Folder::new("work/2026", 7005));
        }
        "rename" => {
            store.folders.truncate(1);
            store.folders.push(Folder::new("todo", 7002));
            store.folders.extend(work("work"));
            store.folders.push(Folder::new("work/2026", 7005));
        }
        "rename_inbox" => {
            store.folders.truncate(1);
            store.delimiter = '.';
            store.folders.push(Folder::new("INBOX.todo", 7002));
        }
        "lsub" => {
            let names = ["INBOX", "#news.comp.mail", "#news.comp.mail.mime"];
            store.subscribed = names.map(String::from).into();
            store.delimiter = '.';
        }
        "list" => {
            store.folders.extend(work("work"));
            store.folders.push(Folder::new("work/2026", 7005).with_attribute(MailboxAttribute::Marked));
        }
        "uidnotsticky" => store.folders.push(Folder::new("funny", 1)),
        "namespace_shared_only" => store.namespaces = "NIL NIL ((\"\" \".\"))",
        "namespace_public" => store.namespaces = "((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))",
        "namespace_all" => {
            store.namespaces = "((\"\" \"/\")) ((\"~\" \"/\")) ((\"#shared/\" \"/\") (\"#public/\" \"/\") (\"#ftp/\" \"/\"))";
        }
        "namespace_below_inbox" => store.namespaces = "((\"INBOX.\" \".\")) NIL NIL",
        "authenticate_challenges" => {
            store.challenges = [&b""[..], b"`wants a reply", b"\x01\0\x10\0"].into();
        }
        "condstore_select" => store.mod_seq = Some(715_194_045_007),
        "qresync_mismatch" => store.mod_seq = Some(90_060_128_194_045_007),
        "append_over_quota" => store.quota = Some(10),
        _ => {}
    }
    store
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

// An end that is left out takes another course by itself: the server never says PREAUTH, lists its capabilities in its
// greeting and always has a name; the client sends nothing that the state forbids; together they use literals that need
// no wait. What only waits to be built is in `all_pending`.
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
    rfc3501_7_5_login_in_literals: "login_literals", Nothing, Server Client;
    rfc7888_3_literals_without_a_wait: "login_literals_plus", Nothing, Server Client Both;
    rfc9051_6_3_1_enable: "enable", LoggedIn, Server Client;
    rfc5161_3_1_enable_nothing: "enable_nothing", LoggedIn, Server Client Both;
    rfc9051_6_3_2_select: "select", LoggedIn, Client;
    rfc9051_6_3_2_select_another: "select_closed", Selected, Client;
    rfc3501_6_3_1_select: "select_rev1", LoggedIn, Server Client Both;
    rfc9051_6_3_2_select_nothing: "select_refused", Selected, Server Client Both;
    rfc9051_6_3_3_examine: "examine", LoggedIn, Client;
    rfc3501_6_3_2_examine: "examine_rev1", LoggedIn, Server Client Both;
    rfc9051_6_3_4_create: "create", LoggedIn, Server Client Both;
    rfc9051_6_3_4_create_with_another_spelling: "create_normalised", LoggedIn, Client;
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
    rfc9051_6_4_5_fetch_binary: "fetch_binary", Selected, Client;
    rfc9051_6_4_6_store: "store", Selected, Server Client Both;
    rfc9051_6_4_7_copy_and_trycreate: "copy", Selected, Server Client Both;
    rfc6851_3_3_move: "move", Selected, Server Client Both;
    rfc9051_6_4_9_uid_fetch: "uid_fetch", Selected, Server Client Both;
    rfc4315_3_uids_of_what_is_appended_and_copied: "uidplus", Selected, Server Client;
    rfc4315_3_uids_that_do_not_stay: "uidnotsticky", LoggedIn, Server Client;
    rfc9051_7_1_warnings: "warnings", Selected, Client;
    rfc9051_7_1_errors: "errors", LoggedIn, Server;
    rfc9051_7_1_4_preauth: "preauth", Nothing, Client;
    rfc9051_7_1_5_bye: "bye", Nothing, Client;
    rfc9051_5_5_pipelined: "pipelined", Selected, Server Client Both;
    rfc2971_3_id: "id", LoggedIn, Server Client Both;
    rfc2971_3_2_id_of_nobody: "id_nil", LoggedIn, Client;
    rfc5258_5_subscribed: "list_subscribed", LoggedIn, Client;
    rfc5258_5_children: "list_children", LoggedIn, Client;
    rfc5258_5_remote: "list_remote", LoggedIn, Server Client;
    rfc5258_5_recursive: "list_recursive", LoggedIn, Server Client;
    rfc5258_5_patterns: "list_patterns", LoggedIn, Client;
    rfc5819_2_list_with_status: "list_status", LoggedIn, Client;
    rfc7162_3_1_2_select_with_mod_sequences: "condstore_select", LoggedIn, Server Client;
    rfc7162_3_1_2_select_without_mod_sequences: "condstore_nomodseq", LoggedIn, Server Client;
    rfc7162_3_1_7_status: "condstore_status", LoggedIn, Server Client Both;
    rfc7162_3_2_7_expunge: "qresync_expunge", Selected, Client;
    rfc4731_3_1_more_of_esearch: "esearch_more", Selected, Server Client;
    rfc7162_3_1_4_2_changes_of_others: "condstore_told", Selected, Client;
    rfc7162_3_2_10_2_vanished: "qresync_noop", Selected, Client;
    rfc9208_4_3_1_a_soft_limit: "quota_soft", Selected, Client;
    rfc6851_4_4_move_with_vanished: "move_vanished", Selected, Client;
    rfc5182_2_1_search_save_again: "search_save_again", Selected, Client;
    rfc9051_6_4_4_3_search_not_saved: "search_not_saved", Selected, Client;
    rfc5464_4_3_setmetadata_literal: "setmetadata_literal", LoggedIn, Client;
    rfc8474_4_3_objectid_rename: "objectid_rename", LoggedIn, Client;
    rfc7162_3_2_5_2_qresync_match: "qresync_match", LoggedIn, Client;
    rfc9051_6_4_4_4_search_save: "search_save", Selected, Client;
    rfc7162_3_1_4_condstore_fetch: "condstore_fetch", Selected, Client;
    rfc7162_3_2_5_1_qresync_select: "qresync_select", LoggedIn, Client;
    rfc7162_3_2_6_qresync_fetch: "qresync_fetch", Selected, Client;
    rfc5256_6_sort: "sort", Selected, Server Client;
    rfc5465_3_1_notify: "notify", LoggedIn, Client;
    rfc5465_3_1_notify_bad_event: "notify_bad_event", LoggedIn, Client;
    rfc5464_4_2_metadata: "metadata", LoggedIn, Client;
    rfc4314_3_1_acl: "acl", LoggedIn, Client;
    rfc8474_4_objectid: "objectid", LoggedIn, Client;
    rfc8474_5_3_objectid_fetch: "objectid_fetch", Selected, Client;
    rfc7162_3_1_5_search: "condstore_search", Selected, Client;
    rfc7162_3_1_10_esearch: "esearch_modseq", Selected, Client;
    rfc8970_3_preview: "preview", Selected, Client;
    rfc9394_3_1_partial: "partial", Selected, Client;
    rfc7162_3_1_3_condstore_store_told: "condstore_store_told", Selected, Client;
    rfc7162_3_2_5_1_qresync_mismatch: "qresync_mismatch", LoggedIn, Server Client;
    rfc7162_3_2_11_qresync_closed: "qresync_closed", Selected, Client;
    rfc5465_5_1_notify_changes: "notify_changes", Selected, Client;
    rfc5464_4_2_1_metadata_more: "metadata_more", LoggedIn, Client;
    rfc4314_3_1_acl_negative: "acl_negative", LoggedIn, Client;
    rfc9208_4_1_3_quota_system: "quota_system", LoggedIn, Client;
    rfc8474_4_1_objectid_list: "objectid_list", LoggedIn, Client;
    rfc8970_4_1_preview_literal: "preview_literal", Selected, Client;
    rfc9394_3_1_partial_pipelined: "partial_pipelined", Selected, Client;
    rfc9586_3_3_uidonly_store: "uidonly_store", Selected, Server Client;
    rfc7162_3_1_3_condstore_store: "condstore_store", Selected, Client;
    rfc7162_3_1_5_condstore_search: "condstore_search", Selected, Client;
    rfc4731_3_2_esearch_modseq: "esearch_modseq", Selected, Client;
    rfc9208_4_1_quota: "quota", LoggedIn, Client;
    rfc5256_4_thread_nested: "thread_nested", Selected, Server Client;
    rfc5256_6_thread: "thread", Selected, Server Client;
    rfc9586_3_uidonly: "uidonly", Selected, Server Client;
    rfc9586_3_uidonly_refuses_numbers: "uidonly_numbers", Selected, Server;
}
/// An example that cannot be played yet.
struct Pending {
    example: Example,
    end: End,
    /// What the machine does not have.
    lacks: &'static str,
}

macro_rules! pending {
    ($($name:literal, $start:ident, $($end:ident)+: $lacks:literal;)*) => {
        /// What cannot be played yet.
        fn all_pending() -> Vec<Pending> {
            let mut all = Vec::new();
            $(for end in [$(End::$end),+] {
                let script = include_str!(concat!("transcripts/", $name, ".txt"));
                all.push(Pending { example: Example::new($name, script, Start::$start), end, lacks: $lacks });
            })*
            all
        }
    };
}

// What each waits for. Where it is the server, the store behind it has to learn it, too.
pending! {
    "warnings", Selected, Server: "a way to say what belongs to no command";
    "quota_soft", Selected, Server: "a way to warn beside an answer";
    "create_normalised", LoggedIn, Server: "a way to tell the name that CREATE has made";
    "search_save_again", Selected, Server: "SEARCHRES";
    "search_not_saved", Selected, Server: "SEARCHRES";
    "setmetadata_literal", LoggedIn, Server: "METADATA";
    "objectid_rename", LoggedIn, Server: "OBJECTID";
    "qresync_match", LoggedIn, Server: "QRESYNC";
    "select", LoggedIn, Server: "IMAP4rev2";
    "select_closed", Selected, Server: "IMAP4rev2";
    "examine", LoggedIn, Server: "IMAP4rev2";
    "search_save", Selected, Server: "SEARCHRES";
    "fetch_binary", Selected, Server: "BINARY";
    "list_subscribed", LoggedIn, Server: "LIST-EXTENDED";
    "list_children", LoggedIn, Server: "LIST-EXTENDED";
    "list_patterns", LoggedIn, Server: "LIST-EXTENDED";
    "list_status", LoggedIn, Server: "LIST-STATUS";
    "condstore_store", Selected, Server: "CONDSTORE";
    "condstore_fetch", Selected, Server: "CONDSTORE";
    "condstore_search", Selected, Server: "CONDSTORE";
    "qresync_select", LoggedIn, Server: "QRESYNC";
    "qresync_fetch", Selected, Server: "QRESYNC";
    "qresync_expunge", Selected, Server: "QRESYNC";
    "notify", LoggedIn, Server: "NOTIFY";
    "notify_bad_event", LoggedIn, Server: "NOTIFY";
    "metadata", LoggedIn, Server: "METADATA";
    "acl", LoggedIn, Server: "ACL";
    "quota", LoggedIn, Server: "QUOTA";
    "objectid", LoggedIn, Server: "OBJECTID";
    "objectid_fetch", Selected, Server: "OBJECTID";
    "preview", Selected, Server: "PREVIEW";
    "partial", Selected, Server: "PARTIAL";
    "esearch_modseq", Selected, Server: "CONDSTORE and ESEARCH";
    "condstore_store_told", Selected, Server: "CONDSTORE";
    "condstore_told", Selected, Server: "CONDSTORE";
    "qresync_closed", Selected, Server: "QRESYNC";
    "qresync_noop", Selected, Server: "QRESYNC";
    "notify_changes", Selected, Server: "NOTIFY";
    "metadata_more", LoggedIn, Server: "METADATA";
    "acl_negative", LoggedIn, Server: "ACL";
    "quota_system", LoggedIn, Server: "QUOTA";
    "objectid_list", LoggedIn, Server: "OBJECTID";
    "preview_literal", Selected, Server: "PREVIEW";
    "partial_pipelined", Selected, Server: "PARTIAL";
    "move_vanished", Selected, Server: "QRESYNC";
    "acl_no_such_right", LoggedIn, Server: "ACL";
}

#[test]
fn what_is_pending_still_fails() {
    let mut learnt = Vec::new();
    for Pending { example, end, lacks } in all_pending() {
        Transcript::parse(&example.script).unwrap();
        match example.play(end) {
            Ok(()) => learnt.push(format!("{} against {end:?}", example.name)),
            Err(failure) => {
                println!("{:22} {end:?}: {lacks:32} {}", example.name, failure.expected);
            }
        }
    }
    assert!(learnt.is_empty(), "these are played now, and belong to the others: {learnt:?}");
}

/// No file is forgotten: each is played, or pending.
#[test]
fn every_file_is_in_a_table() {
    let mut known: Vec<String> = PLAYED.iter().map(ToString::to_string).collect();
    known.extend(all_pending().iter().map(|pending| pending.example.name.to_owned()));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(known.contains(&name), "{name} is in no table");
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
