//! What each example begins with: the extensions that its server offers, its limits, and the mail behind it. Declared
//! here and nowhere read from the script.

use posthaste_imap::Limits;
use posthaste_imap::server::Extensions;
use posthaste_imap::types::{MailboxAttribute, QuotaResource, ResponseCode, SpecialUse, ThreadAlgorithm};

use super::store::{Change, Folder, Grantable, Moment, QuotaRoot, Store};

/// What the server offers in the example called `name`. Each extension for itself: what it changes, it changes alone.
pub(crate) fn extensions(name: &str) -> Extensions {
    let none = Extensions::new();
    match name.split('_').next().unwrap_or_default() {
        "acl" => none.with_acl(),
        "append" if name.starts_with("append_several") => none.with_multi_append(),
        "append" if name.starts_with("append_binary") => none.with_binary(),
        "compress" => none.with_compress(),
        "condstore" | "enable" => none.with_cond_store(),
        "create" if name == "create_normalised" => none.with_list_extended(),
        "create" if name.starts_with("create_role") => none.with_create_special_use(),
        "examine" | "select" if ["examine", "select", "select_closed"].contains(&name) => {
            none.with_imap4rev2()
        }
        "esort" => none.with_esort().with_partial(),
        "fetch" if name == "fetch_binary" => none.with_binary(),
        "conversation" if name == "conversation_rev2" => none.with_imap4rev2(),
        "list" if name == "list_my_rights" => none.with_list_my_rights(),
        "list" => none.with_list_status(),
        "metadata" | "setmetadata" => none.with_metadata().with_list_extended(),
        "move" if name == "move_vanished" => none.with_qresync(),
        "multisearch" => none.with_multi_search(),
        "notify" => none.with_notify(),
        "objectid" => none.with_object_id().with_list_status(),
        "partial" => none.with_partial(),
        "preview" => none.with_preview().with_search_res(),
        "progress" => none.with_in_progress(),
        "qresync" => none.with_qresync(),
        "quota" => none.with_quota([QuotaResource::Storage, QuotaResource::Message]).with_quota_set(),
        "replace" => none.with_replace(),
        "savedate" => none.with_save_date(),
        "search" if name.starts_with("search_") => none.with_search_res(),
        "sort" => none.with_sort(),
        "status" if name == "status_size" => none.with_status_size().with_list_status(),
        "thread" => none.with_thread([ThreadAlgorithm::References, ThreadAlgorithm::OrderedSubject]),
        "uidonly" => none.with_uid_only(),
        "unauthenticate" => none.with_unauthenticate(),
        "within" => none.with_within(),
        _ if name == "esearch_modseq" => none.with_cond_store(),
        _ => none,
    }
}

/// The limits of the server in the example called `name`.
pub(crate) fn limits(name: &str) -> Limits {
    let mut limits = Limits::default();
    match name {
        "notify_overflow" => limits.updates_max = 2,
        "codes_login" => limits.auth_failures_max = 10,
        _ => {}
    }
    limits
}

/// The mail behind the server in the example called `name`.
pub(crate) fn store(name: &str) -> Store {
    let inbox = Folder::new("INBOX", 7001)
        .with(11, "\\Seen", NOTE)
        .with(12, "", PHOTO)
        .with(14, "\\Flagged", SHORT)
        .with(15, "\\Seen \\Deleted", LATE);
    let mut store =
        Store::new([inbox, Folder::new("Drafts", 7002), Folder::new("Sent", 7003).with(4, "", SHORT)]);
    match name.split('_').next().unwrap_or_default() {
        "list" => lists(name, &mut store),
        "condstore" | "esearch" | "qresync" | "move" => mod_sequences(name, &mut store),
        "acl" | "quota" | "metadata" => accounts(name, &mut store),
        "noop" | "idle" | "notify" => news(name, &mut store),
        "sort" | "esort" | "thread" => discussions(name, &mut store),
        _ => others(name, &mut store),
    }
    store
}

/// Folders without messages, by their names; UIDVALIDITY counts up.
fn named<'a>(store: &mut Store, names: impl IntoIterator<Item = &'a str>) {
    let (inbox, next) = (store.folders.remove(0), 7100..);
    store.folders = names
        .into_iter()
        .zip(next)
        .map(
            |(name, uid_validity)| {
                if name == "INBOX" { inbox.clone() } else { Folder::new(name, uid_validity) }
            },
        )
        .collect();
}

fn attribute(store: &mut Store, name: &str, attributes: &[MailboxAttribute]) {
    let folder = store.folders.iter_mut().find(|folder| folder.name == name).unwrap();
    folder.attributes.extend_from_slice(attributes);
}

fn lists(name: &str, store: &mut Store) {
    use MailboxAttribute::{Marked, NoInferiors, NoSelect, Remote};
    match name {
        "list" => {
            store.folders.push(Folder::new("work", 7004).with_attribute(NoSelect));
            store.folders.push(Folder::new("work/2026", 7005).with_attribute(Marked));
        }
        "list_subscribed" => {
            named(store, ["INBOX", "Fruit", "Fruit/Apple", "Fruit/Banana", "Tofu"]);
            attribute(store, "INBOX", &[Marked, NoInferiors]);
            store.subscribed = ["INBOX", "Fruit/Banana", "Fruit/Peach"].map(String::from).into();
        }
        "list_children" => {
            named(store, ["INBOX", "Fruit", "Fruit/Apple", "Tofu"]);
            attribute(store, "INBOX", &[Marked, NoInferiors]);
        }
        "list_remote" => {
            named(store, ["INBOX", "Fruit/Banana", "Tofu", "Bread"]);
            attribute(store, "Bread", &[Remote]);
            store.subscribed = ["Fruit/Banana", "Bread"].map(String::from).into();
        }
        "list_recursive" => {
            named(store, ["INBOX", "Foo", "Foo/Bar", "Foo/Baz", "Moo"]);
            store.subscribed = vec!["Foo/Baz".into()];
        }
        "list_recursive_deep" => {
            named(store, ["INBOX", "foo2", "foo2/bar1", "foo2/bar2", "eps2", "eps2/mamba"]);
            let names = ["foo2/bar1", "foo2/bar2", "eps2", "eps2/mamba", "qux2/bar"];
            store.subscribed = names.map(String::from).into();
        }
        "list_nonexistent" => {
            named(store, ["INBOX", "foo", "also/jazz", "music/rock"]);
            attribute(store, "also/jazz", &[Remote]);
            store.subscribed = vec!["foo/bar".into()];
        }
        "list_family" => {
            let names =
                "INBOX Fruit Fruit/Apple Fruit/Banana Tofu Vegetable Vegetable/Broccoli Vegetable/Corn";
            named(store, names.split(' '));
            attribute(store, "INBOX", &[Marked, NoInferiors]);
            let names = "INBOX Fruit/Banana Fruit/Peach Vegetable Vegetable/Broccoli";
            store.subscribed = names.split(' ').map(String::from).collect();
        }
        "list_my_rights" => {
            named(store, ["INBOX", "foo", "bar"]);
            attribute(store, "bar", &[NoSelect]);
            store.folders[1].with_rights("ann", "rs");
        }
        "list_roots" => {
            store.namespaces = "((\"\" \"/\")) NIL ((\"#news.\" \".\") (\"/\" \"/\"))";
            named(store, ["INBOX", "~/Mail/foo", "~/Mail/meetings"]);
            attribute(store, "~/Mail/foo", &[NoSelect]);
        }
        "list_patterns" => {
            named(store, ["INBOX", "Drafts", "Sent", "Sent/March2026", "Sent/May/2026"]);
            attribute(store, "Drafts", &[NoInferiors]);
        }
        "list_status" => {
            named(store, ["INBOX", "bar", "bar.foo"]);
            attribute(store, "bar", &[NoSelect]);
            store.delimiter = '.';
            store.subscribed = vec!["INBOX".into(), "bar.foo".into()];
        }
        "list_roles" => {
            named(store, ["INBOX", "Later", "Gone", "Gone/2026"]);
            attribute(store, "Later", &[MailboxAttribute::SpecialUse(SpecialUse::Drafts)]);
            attribute(store, "Gone", &[MailboxAttribute::SpecialUse(SpecialUse::Trash)]);
        }
        other => panic!("{other}"),
    }
}

fn mod_sequences(name: &str, store: &mut Store) {
    let inbox = &mut store.folders[0];
    match name {
        "condstore_select" => {
            inbox.with_mod_seqs(715_194_045_007, &[]);
        }
        "condstore_status" => {
            store.folders[2].with_mod_seqs(7_011_231_777, &[7_011_231_777]);
        }
        "condstore_fetch" => {
            let mod_seqs = [624_140_003, 624_140_007, 624_140_001, 1];
            inbox.with_mod_seqs(624_140_007, &mod_seqs).with_flags(12, "$Processed");
        }
        "condstore_search" | "esearch_modseq" => {
            inbox.with_mod_seqs(917_162_500, &[620_162_000, 620_162_338, 917_162_488, 917_162_500]);
        }
        "condstore_store" => {
            inbox.with_mod_seqs(320_162_349, &[320_162_349, 320_162_338, 320_162_007, 320_162_345]);
        }
        "condstore_store_told" => {
            inbox.with_mod_seqs(212_030_000_000, &[1, 2, 3, 212_030_000_000]);
            store
                .news
                .push_back((Moment::Selected, vec![Change::Flags("INBOX", 12, "\\Deleted \\Answered")]));
        }
        "condstore_store_gone" => {
            inbox.with_mod_seqs(320_172_338, &[1, 2, 3, 4]);
            let flags = Change::Flags("INBOX", 12, "\\Deleted \\Answered");
            let changes = vec![flags, Change::Expunged("INBOX", 14), Change::Expunged("INBOX", 15)];
            store.news.push_back((Moment::Selected, changes));
        }
        "condstore_told" => {
            inbox.with_mod_seqs(2_121_230_999, &[]);
            store.news.push_back((Moment::Asked, vec![Change::Flags("INBOX", 11, "\\Deleted \\Answered")]));
        }
        "qresync_select" | "qresync_match" => {
            let before = 90_060_115_194_045_000;
            inbox
                .with_mod_seqs(90_060_115_205_545_359, &[before - 1, before + 27, before - 2, before])
                .with_expunged(13, 90_060_115_205_545_359);
        }
        "qresync_mismatch" => {
            inbox.with_mod_seqs(90_060_128_194_045_007, &[]);
        }
        "qresync_fetch" => {
            inbox
                .with_mod_seqs(65_403, &[65_402, 12_345, 7, 9])
                .with_expunged(13, 65_403)
                .with_expunged(10, 9);
        }
        "qresync_expunge" | "move_vanished" => {
            inbox.with_mod_seqs(20_010_715_194_045_318, &[]).with_flags(12, "\\Deleted");
        }
        "qresync_noop" => {
            inbox.with_mod_seqs(5, &[]);
            let gone = [12, 15].map(|uid| Change::Expunged("INBOX", uid));
            let changes = [&gone[..], &[Change::Arrived("INBOX", "", SHORT)]].concat();
            store.news.push_back((Moment::Asked, changes));
        }
        "qresync_close" => {
            inbox.with_mod_seqs(5, &[]);
        }
        "condstore_last" => {
            inbox.with_mod_seqs(12_111_230_046, &[]);
        }
        "qresync_closed" => {
            inbox.with_mod_seqs(5, &[]);
            store.folders[2].with_mod_seqs(90_060_115_205_545_359, &[7]);
            store.news.push_back((Moment::Asked, vec![Change::Expunged("INBOX", 15)]));
        }
        _ => {}
    }
}

fn accounts(name: &str, store: &mut Store) {
    match name {
        "acl" => {
            let optional = &["r", "s", "w", "i"];
            store.grantable.push(Grantable { identifier: "bob", required: "la", optional });
        }
        "acl_negative" => {
            store.folders[2].with_rights("-ann", "wet").with_rights("$team", "w");
            store.folders.push(Folder::new("archive", 7004));
            let optional = &["l", "r", "s", "w", "i", "p", "kxc", "ted", "a"];
            store.grantable.push(Grantable { identifier: "anyone", required: "", optional });
        }
        "acl_copy" => {
            store.folders[1].with_rights("ann", "rst");
            store.folders[2].with_rights("ann", "rwis");
        }
        "acl_select" => {
            store.folders[2].with_rights("ann", "lrwis");
        }
        "acl_list" => {
            named(store, ["C", "A/B", "C/D"]);
            for name in ["A/B", "C/D"] {
                attribute(store, name, &[MailboxAttribute::NoInferiors]);
            }
        }
        "metadata_roles" => {
            named(store, ["INBOX", "MyDrafts", "SavedDrafts", "SentMail"]);
            for (at, role) in [(1, SpecialUse::Drafts), (3, SpecialUse::Sent)] {
                let folder = &mut store.folders[at];
                folder.attributes.push(MailboxAttribute::SpecialUse(role));
                folder.with_annotation("/private/specialuse", format!("\\{}", role.name()));
            }
        }
        "quota" => store.quotas = vec![user_quota(), partition()],
        "quota_soft" => store.comfort = Some(200),
        "quota_system" => store.quotas = vec![partition()],
        "metadata" => {
            store.folders[0].with_annotation("/shared/comment", "where it all comes in");
            store.folders[0].with_annotation("/private/comment", "a private one");
            let mut server = Folder::new("", 1);
            server.with_annotation("/shared/comment", "mail.test");
            store.annotations = server.annotations;
        }
        "metadata_more" => {
            store.annotations_max = 5;
            store.folders[0]
                .with_annotation("/shared/comment", vec![b'x'; 2199])
                .with_annotation("/private/comment", "a short one")
                .with_annotation("/private/filters/values/small", "SMALLER 5000")
                .with_annotation("/private/filters/values/boss", "FROM \"boss@mail.test\"")
                .with_annotation("/private/filters/values/boss/since", "2026");
            let changes = vec![
                Change::Annotated("", "/shared/comment", "new"),
                Change::Annotated("INBOX", "/shared/comment", "new"),
                Change::Annotated("INBOX", "/private/comment", "new"),
            ];
            store.news.push_back((Moment::Asked, changes));
        }
        _ => {}
    }
}

fn user_quota() -> QuotaRoot {
    let limits = vec![(QuotaResource::Message, 1000)];
    QuotaRoot { name: "#user/ann", limits, used_by_others: 37, is_fixed: false }
}

fn partition() -> QuotaRoot {
    let limits = vec![(QuotaResource::Storage, 10_923_847)];
    QuotaRoot { name: "!partition/sda4", limits, used_by_others: 103, is_fixed: true }
}

fn news(name: &str, store: &mut Store) {
    use Change::{Arrived, Created, Expunged, Flags, Renamed, Subscribed};
    let busy =
        || vec![Expunged("INBOX", 12), Arrived("INBOX", "", SHORT), Flags("INBOX", 11, "\\Seen \\Answered")];
    match name {
        "noop" | "idle" => store.news.push_back((Moment::Asked, busy())),
        "idle_expunge" => {
            let gone = [15, 14].map(|uid| Expunged("INBOX", uid));
            store.news.push_back((Moment::Asked, gone.into()));
        }
        "notify_changes" => {
            let changes = vec![
                Flags("INBOX", 11, "$Junk"),
                Arrived("INBOX", "", LATE),
                Arrived("Sent", "\\Seen", LATE),
                Created("ideas"),
                Renamed("ideas", "plans"),
                Subscribed("plans"),
            ];
            store.news.push_back((Moment::Watched, changes));
            store.news.push_back((Moment::Watched, vec![Expunged("INBOX", 16)]));
        }
        "notify_select" => {
            // What comes of the first command is nothing.
            store.news.push_back((Moment::Watched, Vec::new()));
            let changes =
                vec![Arrived("Sent", "", LATE), Arrived("INBOX", "\\Flagged", LATE), Expunged("INBOX", 12)];
            store.news.push_back((Moment::Selected, Vec::new()));
            store.news.push_back((Moment::Watched, changes));
        }
        "notify_overflow" => {
            let changes = ["a", "b", "c"].map(Created).to_vec();
            store.news.push_back((Moment::InRow, changes));
        }
        _ => {}
    }
}

/// Messages that are sorted by what is in them, and put together by what they answer.
fn discussions(name: &str, store: &mut Store) {
    let inbox = Folder::new("INBOX", 7001);
    store.folders[0] = match name {
        "thread" => inbox
            .with(11, "", "Subject: tea\r\nMessage-ID: <a@x>\r\n\r\n.\r\n")
            .with(12, "", "Subject: milk\r\nMessage-ID: <b@x>\r\n\r\n.\r\n")
            .with(14, "", "Subject: Re: milk\r\nMessage-ID: <c@x>\r\nReferences: <b@x>\r\n\r\n.\r\n")
            .with(15, "", "Subject: sugar\r\nMessage-ID: <d@x>\r\n\r\n.\r\n"),
        "thread_nested" => inbox
            .with(11, "", "Subject: tea\r\nMessage-ID: <a@x>\r\n\r\n.\r\n")
            .with(12, "", "Subject: milk\r\nMessage-ID: <b@x>\r\n\r\n.\r\n")
            .with(14, "", "Subject: Re: milk\r\nMessage-ID: <c@x>\r\nIn-Reply-To: <b@x>\r\n\r\nno\r\n")
            .with(15, "", "Subject: Re: milk\r\nMessage-ID: <d@x>\r\nReferences: <b@x>\r\n\r\nno\r\n"),
        _ => inbox
            .with(11, "", "Date: Mon, 5 Jan 2026 10:00:00 +0000\r\nSubject: apples\r\n\r\n.\r\n")
            .with(12, "", "Date: Tue, 6 Jan 2026 10:00:00 +0000\r\nSubject: Re: pears\r\n\r\n.\r\n")
            .with(14, "", "Date: Sun, 4 Jan 2026 10:00:00 +0000\r\nSubject: plums\r\n\r\n.\r\n")
            .with(15, "", "Date: Wed, 7 Jan 2026 10:00:00 +0000\r\nSubject: Fwd: apricots\r\n\r\n.\r\n"),
    };
}

fn others(name: &str, store: &mut Store) {
    match name {
        "delete" | "rename" => {
            named(store, ["INBOX", "todo", "work", "work/2026"]);
            attribute(store, "work", &[MailboxAttribute::NoSelect]);
        }
        "rename_inbox" => {
            named(store, ["INBOX", "INBOX.todo"]);
            store.delimiter = '.';
        }
        "rename_subscribed" => {
            named(store, ["INBOX", "todo"]);
            store.subscribed = vec!["todo".into()];
        }
        "delete_parent" => {
            named(store, ["INBOX", "todo", "foo", "foo.bar"]);
            store.delimiter = '.';
            store.deletes_parents = true;
        }
        "codes" => {
            let troubles = [
                ("archive", ResponseCode::OverQuota),
                ("Notes", ResponseCode::NoPerm),
                ("old", ResponseCode::InUse),
                ("broken", ResponseCode::Corruption),
                ("odd", ResponseCode::ServerBug),
            ];
            store.folders.extend(troubles.into_iter().zip(7010..).map(|((name, trouble), uid_validity)| {
                Folder { trouble: Some(trouble), ..Folder::new(name, uid_validity) }
            }));
            store.flags_max = 5;
        }
        "namespace_others" => {
            store.namespaces = "((\"\" \"/\")) ((\"#Users/\" \"/\")) NIL";
            named(store, ["INBOX", "#Users/Mike/INBOX", "#Users/Mike/Foo", "#Users/Ann"]);
        }
        "multisearch" => {
            store.folders = vec![
                Folder::new("folder1", 1).with(5, "", NOTE).with(6, "\\Seen", PHOTO).with(7, "", SHORT),
                Folder::new("folder2/banana", 3).with(9, "", PHOTO),
                Folder::new("folder2/banana/peel", 4).with(1, "", SHORT),
                Folder::new("folder2/salmon", 5).with(1, "\\Seen", LATE),
                Folder::new("folder3", 6).with(1, "", SHORT),
            ];
        }
        "create_normalised" => store.spellings.push(("Cafe", "Caf\u{e9}")),
        "warnings" => {
            let warned = Change::Warned("the disk is nearly full, please delete some mail");
            store.news.push_back((Moment::Asked, vec![warned]));
            let alerted = Change::Alerted("the server goes down at noon");
            store.news.push_back((Moment::Asked, vec![alerted]));
        }
        "append_several" => store.room = Some(1000),
        "conversation_rev2" => store.challenges = [&b""[..], b"r=rOprNGfwEbeRWgbNEkqO%hv"].into(),
        "progress" => store.is_slow = true,
        // 22 January 2026, 9 o'clock: not three days after message 3.
        "within" => store.now = 1_769_072_400,
        "lsub" => {
            let names = ["INBOX", "#news.comp.mail", "#news.comp.mail.mime"];
            store.subscribed = names.map(String::from).into();
            store.delimiter = '.';
        }
        "create_role" => attribute(store, "Sent", &[MailboxAttribute::SpecialUse(SpecialUse::Sent)]),
        "uidnotsticky" => store.folders.push(Folder::new("funny", 1)),
        "namespace_shared_only" => store.namespaces = "NIL NIL ((\"\" \".\"))",
        "namespace_public" => store.namespaces = "((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\"))",
        "namespace_all" => {
            store.namespaces = "((\"\" \"/\")) ((\"~\" \"/\")) ((\"#shared/\" \"/\") (\"#public/\" \"/\") (\"#ftp/\" \"/\"))";
        }
        "namespace_below_inbox" => {
            store.namespaces = "((\"INBOX.\" \".\")) NIL NIL";
            store.delimiter = '.';
        }
        "authenticate_challenges" => {
            store.challenges = [&b""[..], b"`wants a reply", b"\x01\0\x10\0"].into();
        }
        "append_over_quota" => store.room = Some(10),
        "search_not_saved" => store.saved_max = 0,
        "objectid_fetch" => {
            let message = store.folders[0].message(11).unwrap();
            message.email_id = "M6d99ac3275bb4e".into();
            message.thread_id = Some("T64b478a75b7ea9".into());
        }
        "preview_literal" => {
            let folder = store.folders.remove(0);
            store.folders.insert(
                0,
                Folder { messages: Vec::new(), ..folder }.with(11, "", UMLAUT).with(12, "", SHORT),
            );
        }
        "savedate" => store.folders[0].message(11).unwrap().saved = Some(store.folders[0].messages[1].date),
        _ => {}
    }
}

const NOTE: &str = "Date: Mon, 5 Jan 2026 10:00:07 +0100\r\nSubject: Notes of the garden meeting\r\n\
    From: Ann Lee <ann@mail.test>\r\nTo: garden@mail.test\r\nCc: minutes@lists.test, Bob Roy <bob@far.test>\r\n\
    Message-ID: <n-1@mail.test>\r\nMIME-Version: 1.0\r\nContent-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n\
    See you.\r\n";

const PHOTO: &str = "From: bob@far.test\r\nSubject: roses\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
    --x\r\n\r\nlook\r\n--x\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n";

const SHORT: &str = "From: Dora <dora@far.test>\r\nSubject: Re: roses\r\n\r\nnice\r\n";

const LATE: &str = "From: bob@far.test\r\nSubject: rain\r\n\r\ntomorrow\r\n";

const UMLAUT: &str =
    "Subject: paths\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nGr\u{fc}n ist besser.\r\n";
