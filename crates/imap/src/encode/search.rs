//! SEARCH (RFC 9051, section 9). Keeps its own stack: a deep tree cannot exhaust the thread's.

use super::writer::Writer;
use crate::types::{AString, Flag, ModSeqScope, ModSeqSearch, SearchCommand, SearchKey, SearchReturn};
use alloc::vec::Vec;

/// What is left to write.
enum Task<'a> {
    Key(&'a SearchKey),
    Octet(u8),
}

impl Writer<'_> {
    pub(super) fn search(&mut self, search: &SearchCommand) {
        self.search_returns(search.returns.as_deref());
        if let Some(charset) = &search.charset {
            self.text("CHARSET ");
            self.astring(charset.as_bytes());
            self.octet(b' ');
        }
        self.search_keys(&search.keys);
    }

    /// `RETURN (..)` and a space, or nothing.
    pub(super) fn search_returns(&mut self, returns: Option<&[SearchReturn]>) {
        if let Some(returns) = returns {
            self.text("RETURN ");
            self.list(returns, Self::search_return);
            self.octet(b' ');
        }
    }

    /// `search-key *(SP search-key)`
    pub(super) fn search_keys(&mut self, keys: &[SearchKey]) {
        if keys.is_empty() {
            // No key restricts nothing, and the grammar wants one.
            return self.text("ALL");
        }
        let mut tasks = Vec::new();
        push_separated(&mut tasks, keys);
        while let Some(task) = tasks.pop() {
            match task {
                Task::Octet(octet) => self.octet(octet),
                Task::Key(key) => self.search_key(key, &mut tasks),
            }
        }
    }

    fn search_return(&mut self, option: &SearchReturn) {
        match option {
            SearchReturn::Min => self.text("MIN"),
            SearchReturn::Max => self.text("MAX"),
            SearchReturn::All => self.text("ALL"),
            SearchReturn::Count => self.text("COUNT"),
            SearchReturn::Save => self.text("SAVE"),
            SearchReturn::Relevancy => self.text("RELEVANCY"),
            SearchReturn::Context => self.text("CONTEXT"),
            SearchReturn::Partial(range) => {
                self.text("PARTIAL ");
                self.partial_range(*range);
            }
            SearchReturn::Update(attributes) => {
                self.text("UPDATE");
                if !attributes.is_empty() {
                    self.octet(b' ');
                    self.fetch_attributes(attributes);
                }
            }
        }
    }

    fn search_key<'a>(&mut self, key: &'a SearchKey, tasks: &mut Vec<Task<'a>>) {
        match key {
            SearchKey::Not(key) => {
                self.text("NOT ");
                tasks.push(Task::Key(key));
            }
            SearchKey::Fuzzy(key) => {
                self.text("FUZZY ");
                tasks.push(Task::Key(key));
            }
            SearchKey::Or(first, second) => {
                self.text("OR ");
                tasks.extend([Task::Key(second), Task::Octet(b' '), Task::Key(first)]);
            }
            SearchKey::And(keys) if keys.is_empty() => self.text("ALL"),
            SearchKey::And(keys) => {
                self.octet(b'(');
                tasks.push(Task::Octet(b')'));
                push_separated(tasks, keys);
            }
            _ => self.leaf(key),
        }
    }

    fn leaf(&mut self, key: &SearchKey) {
        match key {
            SearchKey::All
            | SearchKey::And(_)
            | SearchKey::Not(_)
            | SearchKey::Fuzzy(_)
            | SearchKey::Or(..) => self.text("ALL"),
            SearchKey::Answered => self.text("ANSWERED"),
            SearchKey::Deleted => self.text("DELETED"),
            SearchKey::Draft => self.text("DRAFT"),
            SearchKey::Flagged => self.text("FLAGGED"),
            SearchKey::New => self.text("NEW"),
            SearchKey::Old => self.text("OLD"),
            SearchKey::Recent => self.text("RECENT"),
            SearchKey::Seen => self.text("SEEN"),
            SearchKey::Unanswered => self.text("UNANSWERED"),
            SearchKey::Undeleted => self.text("UNDELETED"),
            SearchKey::Undraft => self.text("UNDRAFT"),
            SearchKey::Unflagged => self.text("UNFLAGGED"),
            SearchKey::Unseen => self.text("UNSEEN"),
            SearchKey::Bcc(text) => self.key_with_string("BCC ", text),
            SearchKey::Body(text) => self.key_with_string("BODY ", text),
            SearchKey::Cc(text) => self.key_with_string("CC ", text),
            SearchKey::From(text) => self.key_with_string("FROM ", text),
            SearchKey::Subject(text) => self.key_with_string("SUBJECT ", text),
            SearchKey::Text(text) => self.key_with_string("TEXT ", text),
            SearchKey::To(text) => self.key_with_string("TO ", text),
            SearchKey::Header(field, text) => {
                self.key_with_string("HEADER ", field);
                self.octet(b' ');
                self.astring(text.as_bytes());
            }
            SearchKey::Before(date) => self.key_with("BEFORE ", |w| w.date(*date)),
            SearchKey::On(date) => self.key_with("ON ", |w| w.date(*date)),
            SearchKey::Since(date) => self.key_with("SINCE ", |w| w.date(*date)),
            SearchKey::SentBefore(date) => self.key_with("SENTBEFORE ", |w| w.date(*date)),
            SearchKey::SentOn(date) => self.key_with("SENTON ", |w| w.date(*date)),
            SearchKey::SentSince(date) => self.key_with("SENTSINCE ", |w| w.date(*date)),
            SearchKey::Keyword(keyword) => self.key_with("KEYWORD ", |w| w.text(keyword.as_str())),
            SearchKey::Unkeyword(keyword) => self.key_with("UNKEYWORD ", |w| w.text(keyword.as_str())),
            SearchKey::Larger(size) => self.key_with("LARGER ", |w| w.number(*size)),
            SearchKey::Smaller(size) => self.key_with("SMALLER ", |w| w.number(*size)),
            SearchKey::Uid(set) => self.key_with("UID ", |w| w.sequence_set(set)),
            SearchKey::Sequence(set) => self.sequence_set(set),
            SearchKey::Saved => self.octet(b'$'),
            SearchKey::Older(seconds) => self.key_with("OLDER ", |w| w.number(seconds.get())),
            SearchKey::Younger(seconds) => self.key_with("YOUNGER ", |w| w.number(seconds.get())),
            SearchKey::ModSeq(key) => self.mod_seq_key(key),
            SearchKey::EmailId(id) => self.key_with("EMAILID ", |w| w.text(id.as_str())),
            SearchKey::ThreadId(id) => self.key_with("THREADID ", |w| w.text(id.as_str())),
            SearchKey::SavedBefore(date) => self.key_with("SAVEDBEFORE ", |w| w.date(*date)),
            SearchKey::SavedOn(date) => self.key_with("SAVEDON ", |w| w.date(*date)),
            SearchKey::SavedSince(date) => self.key_with("SAVEDSINCE ", |w| w.date(*date)),
            SearchKey::SaveDateSupported => self.text("SAVEDATESUPPORTED"),
            SearchKey::Filter(name) => self.key_with("FILTER ", |w| w.text(name.as_str())),
            SearchKey::GmRaw(query) => self.key_with_string("X-GM-RAW ", query),
            SearchKey::GmMsgId(id) => self.key_with("X-GM-MSGID ", |w| w.number(*id)),
            SearchKey::GmThrId(id) => self.key_with("X-GM-THRID ", |w| w.number(*id)),
            SearchKey::GmLabels(label) => self.key_with_string("X-GM-LABELS ", label),
        }
    }

    fn mod_seq_key(&mut self, search: &ModSeqSearch) {
        self.text("MODSEQ ");
        // A flag that no entry is of names none: what is found then has all that was meant.
        if let Some(entry) = search.entry.as_ref().filter(|entry| entry.flag.is_settable()) {
            // RFC 7162 7 writes the names in lower case; in a quoted string a backslash is written twice.
            self.text("\"/flags/");
            match &entry.flag {
                Flag::Answered => self.text("\\\\answered"),
                Flag::Flagged => self.text("\\\\flagged"),
                Flag::Deleted => self.text("\\\\deleted"),
                Flag::Seen => self.text("\\\\seen"),
                Flag::Draft => self.text("\\\\draft"),
                Flag::Keyword(keyword) => self.text(&keyword.as_str().to_ascii_lowercase()),
                Flag::Extension(name) => {
                    self.text("\\\\");
                    self.text(&name.as_str().to_ascii_lowercase());
                }
                Flag::Recent | Flag::Odd(_) => {}
            }
            self.text(match entry.scope {
                ModSeqScope::All => "\" all ",
                ModSeqScope::Private => "\" priv ",
                ModSeqScope::Shared => "\" shared ",
            });
        }
        self.number(search.mod_seq);
    }

    fn key_with(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.text(name);
        write(self);
    }

    fn key_with_string(&mut self, name: &str, text: &AString) {
        self.text(name);
        self.astring(text.as_bytes());
    }
}

/// Pushes the keys with spaces between them, the first on top.
fn push_separated<'a>(tasks: &mut Vec<Task<'a>>, keys: &'a [SearchKey]) {
    for (index, key) in keys.iter().enumerate().rev() {
        tasks.push(Task::Key(key));
        if index > 0 {
            tasks.push(Task::Octet(b' '));
        }
    }
}
