//! Generators of every value the types can hold, in the form in which it comes back.
//!
//! Boxed, because the wide ones are larger as values than the stack of a test thread.

use bytes::Bytes;
use core::num::NonZeroU32;
use posthaste_imap::charset::Charset;
use posthaste_imap::encode::{EncodeContext, LiteralMode};
use posthaste_imap::parse::{LiteralMarker, literal_marker};
use posthaste_imap::types::*;
use posthaste_wire::Secret;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub fn context() -> impl Strategy<Value = EncodeContext> {
    let literals = prop_oneof![
        Just(LiteralMode::Synchronising),
        Just(LiteralMode::NonSynchronisingSmall),
        Just(LiteralMode::NonSynchronising)
    ];
    (literals, any::<bool>()).prop_map(|(literals, utf8)| EncodeContext { literals, utf8 })
}

pub fn tag() -> impl Strategy<Value = Tag> {
    "[a-zA-Z0-9.\\]\\[-]{1,10}".prop_map(|text| Tag::new(text).unwrap())
}

pub fn atom() -> impl Strategy<Value = Atom> {
    "[a-zA-Z][a-zA-Z0-9.$+=\\[}-]{0,8}".prop_map(|text| Atom::new(text).unwrap())
}

pub fn capability() -> impl Strategy<Value = Capability> {
    let known = "[Aa]uth=[A-Z-]{1,8}|APPENDLIMIT(=[1-9][0-9]{0,8})?|RIGHTS=[a-z]{1,6}|thread=[A-Z]{1,6}|SORT|\
        THREAD=references|QUOTA=RES-STORAGE|quota=res-[A-Z]{1,6}|MESSAGELIMIT=[1-9]{1,5}|SAVELIMIT=[1-9]|SORT=DISPLAY|\
        LITERAL[+-]|IMAP4rev[12]|UIDBATCHES|COMPRESS=DEFLATE|I18NLEVEL=[123]|utf8=accept|X-GM-EXT-1|APPENDLIMIT=07";
    prop_oneof![
        atom().prop_map(|atom| Capability::new(atom.into_bytes()).unwrap()),
        known.prop_map(|text| Capability::new(text).unwrap()),
    ]
}

pub fn label() -> impl Strategy<Value = Label> {
    atom().prop_map(Label::from)
}

pub fn object_id() -> impl Strategy<Value = ObjectId> {
    "[a-zA-Z0-9_-]{1,20}".prop_map(|text| ObjectId::new(text).unwrap())
}

pub fn rights() -> impl Strategy<Value = Rights> {
    "[a-z0-9]{0,8}".prop_map(|letters| Rights::new(&letters).unwrap())
}

pub fn entry_name() -> impl Strategy<Value = EntryName> {
    "(/[a-zA-Z]{1,5}){1,3}|/private/a b|/shared/\"".prop_map(|path| EntryName::new(path).unwrap())
}

pub fn keyword() -> impl Strategy<Value = Keyword> {
    "[$a-zA-Z0-9][a-zA-Z0-9]{0,6}".prop_map(|text| Keyword::new(text).unwrap())
}

pub fn astring() -> BoxedStrategy<AString> {
    prop_oneof![
        "[ -~]{0,12}".prop_map(|text| AString::new(text).unwrap()),
        "[a-z]{1,6}|NIL|nil|\\{5\\}|a\\{3\\+\\}".prop_map(|text| AString::new(text).unwrap()),
        "\\PC{0,6}|[\"\\\\\r\n ]{0,5}".prop_map(|text| AString::new(text).unwrap()),
        vec(1_u8.., 0..10).prop_map(|octets| AString::new(octets).unwrap()),
        (1000_usize..1100).prop_map(|len| AString::new(vec![b'x'; len]).unwrap()),
    ]
    .boxed()
}

pub fn nstring() -> BoxedStrategy<NString> {
    option::of(astring()).boxed()
}

pub fn mailbox() -> BoxedStrategy<Mailbox> {
    let name = "[iI][nN]box|[a-z/.]{1,8}|[ -~]{0,10}|\\PC{1,6}|台北&日本語|";
    name.prop_filter_map("control characters", |name| Mailbox::new(name).ok()).boxed()
}

pub fn pattern() -> impl Strategy<Value = ListPattern> {
    let text = "[*%a-z/]{0,8}|[ -~]{1,8}|é[*%]{1,3}";
    text.prop_filter("INBOX is folded", |text| !text.eq_ignore_ascii_case("inbox"))
        .prop_map(|text| ListPattern::new(text).unwrap())
}

pub fn number() -> impl Strategy<Value = NonZeroU32> {
    prop_oneof![1_u32..20, 1_u32.., Just(u32::MAX)].prop_map(|number| NonZeroU32::new(number).unwrap())
}

pub fn sequence_number_below(bound: u32) -> impl Strategy<Value = SequenceNumber> {
    prop_oneof![
        8 => (1..bound).prop_map(|number| SequenceNumber::Number(NonZeroU32::new(number).unwrap())),
        1 => Just(SequenceNumber::Largest)
    ]
}

pub fn sequence_set_below(bound: u32) -> impl Strategy<Value = SequenceSet> {
    let range = (sequence_number_below(bound), sequence_number_below(bound));
    vec(range.prop_map(|(start, end)| SequenceRange { start, end }), 1..6)
        .prop_map(|ranges| SequenceSet::new(ranges).unwrap())
}

pub fn sequence_set() -> BoxedStrategy<SequenceSet> {
    sequence_set_below(u32::MAX).boxed()
}

pub fn message_set() -> BoxedStrategy<MessageSet> {
    prop_oneof![5 => sequence_set().prop_map(MessageSet::Numbers), 1 => Just(MessageSet::Saved)].boxed()
}

pub fn partial_range() -> impl Strategy<Value = PartialRange> {
    let end = prop_oneof![Just(PartialEnd::Oldest), Just(PartialEnd::Newest)];
    (end, number(), number()).prop_map(|(end, one, other)| PartialRange::new(end, one, other))
}

pub fn uid_set() -> BoxedStrategy<UidSet> {
    vec((number(), number()), 1..5).prop_map(|ends| UidSet::new(ends.into_iter().map(|(a, b)| a..=b))).boxed()
}

pub fn flag() -> impl Strategy<Value = Flag> {
    prop_oneof![
        Just(Flag::Answered),
        Just(Flag::Flagged),
        Just(Flag::Deleted),
        Just(Flag::Seen),
        Just(Flag::Draft),
        keyword().prop_map(Flag::Keyword),
        "X[a-z]{1,5}".prop_map(|name| Flag::Extension(Keyword::new(name).unwrap())),
    ]
}

pub fn flags() -> BoxedStrategy<Flags> {
    vec(flag(), 0..4).prop_map(Flags::from).boxed()
}

pub fn date() -> impl Strategy<Value = Date> {
    (0_u16..10_000, 1_u8..13, 1_u8..32).prop_filter_map("no such day", |(y, m, d)| Date::new(y, m, d).ok())
}

pub fn date_time() -> impl Strategy<Value = DateTime> {
    (1_u16..9999, 1_u8..13, 1_u8..29, 0_u8..24, 0_u8..60, 0_u8..61, -1439_i16..1440).prop_map(
        |(year, month, day, hour, minute, second, zone)| {
            DateTime::new(Date::new(year, month, day).unwrap(), hour, minute, second, zone).unwrap()
        },
    )
}

pub fn part() -> impl Strategy<Value = PartPath> {
    vec(number(), 1..5).prop_map(|numbers| PartPath::new(numbers).unwrap())
}

pub fn section() -> BoxedStrategy<Section> {
    let text = option::of(prop_oneof![
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        vec(astring(), 1..4).prop_map(SectionText::HeaderFields),
        vec(astring(), 1..4).prop_map(SectionText::HeaderFieldsNot),
    ]);
    (option::of(part()), text)
        .prop_filter_map("MIME of the message", |(part, text)| Section::new(part, text).ok())
        .boxed()
}

pub fn partial() -> impl Strategy<Value = Option<Partial>> {
    option::of((any::<u32>(), number()).prop_map(|(offset, count)| Partial { offset, count }))
}

pub fn fetch_attribute() -> BoxedStrategy<FetchAttribute> {
    prop_oneof![
        prop::sample::select(vec![
            FetchAttribute::Flags,
            FetchAttribute::Uid,
            FetchAttribute::InternalDate,
            FetchAttribute::Rfc822Size,
            FetchAttribute::Envelope,
            FetchAttribute::Body,
            FetchAttribute::BodyStructure,
            FetchAttribute::Rfc822,
            FetchAttribute::Rfc822Header,
            FetchAttribute::Rfc822Text,
            FetchAttribute::ModSeq,
            FetchAttribute::SaveDate,
            FetchAttribute::EmailId,
            FetchAttribute::ThreadId,
            FetchAttribute::Preview { lazy: false },
            FetchAttribute::Preview { lazy: true },
            FetchAttribute::GmMsgId,
            FetchAttribute::GmThrId,
            FetchAttribute::GmLabels,
        ]),
        (section(), partial(), any::<bool>()).prop_map(|(section, partial, peek)| FetchAttribute::Section {
            section,
            partial,
            peek
        }),
        (option::of(part()), partial(), any::<bool>())
            .prop_map(|(part, partial, peek)| FetchAttribute::Binary { part, partial, peek }),
        option::of(part()).prop_map(FetchAttribute::BinarySize),
    ]
    .boxed()
}

pub fn search_key() -> BoxedStrategy<SearchKey> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            SearchKey::All,
            SearchKey::Answered,
            SearchKey::Deleted,
            SearchKey::Draft,
            SearchKey::Flagged,
            SearchKey::New,
            SearchKey::Old,
            SearchKey::Recent,
            SearchKey::Seen,
            SearchKey::Unanswered,
            SearchKey::Undeleted,
            SearchKey::Undraft,
            SearchKey::Unflagged,
            SearchKey::Unseen,
            SearchKey::Saved,
            SearchKey::SaveDateSupported,
        ]),
        number().prop_map(SearchKey::Older),
        number().prop_map(SearchKey::Younger),
        mod_seq_key().prop_map(SearchKey::ModSeq),
        object_id().prop_map(SearchKey::EmailId),
        object_id().prop_map(SearchKey::ThreadId),
        (0_usize..3, date()).prop_map(|(which, date)| match which {
            0 => SearchKey::SavedBefore(date),
            1 => SearchKey::SavedOn(date),
            _ => SearchKey::SavedSince(date),
        }),
        atom().prop_map(SearchKey::Filter),
        astring().prop_map(SearchKey::GmRaw),
        any::<u64>().prop_map(SearchKey::GmMsgId),
        any::<u64>().prop_map(SearchKey::GmThrId),
        gmail_label().prop_map(SearchKey::GmLabels),
        (0_usize..7, astring()).prop_map(|(which, text)| match which {
            0 => SearchKey::Bcc(text),
            1 => SearchKey::Body(text),
            2 => SearchKey::Cc(text),
            3 => SearchKey::From(text),
            4 => SearchKey::Subject(text),
            5 => SearchKey::Text(text),
            _ => SearchKey::To(text),
        }),
        (0_usize..6, date()).prop_map(|(which, date)| match which {
            0 => SearchKey::Before(date),
            1 => SearchKey::On(date),
            2 => SearchKey::Since(date),
            3 => SearchKey::SentBefore(date),
            4 => SearchKey::SentOn(date),
            _ => SearchKey::SentSince(date),
        }),
        (astring(), astring()).prop_map(|(field, text)| SearchKey::Header(field, text)),
        keyword().prop_map(SearchKey::Keyword),
        keyword().prop_map(SearchKey::Unkeyword),
        any::<u64>().prop_map(SearchKey::Larger),
        any::<u64>().prop_map(SearchKey::Smaller),
        sequence_set().prop_map(SearchKey::Uid),
        sequence_set().prop_map(SearchKey::Sequence),
    ];
    leaf.prop_recursive(6, 30, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|key| SearchKey::Not(Box::new(key))),
            inner.clone().prop_map(|key| SearchKey::Fuzzy(Box::new(key))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| SearchKey::Or(Box::new(a), Box::new(b))),
            vec(inner, 1..4).prop_map(SearchKey::And),
        ]
    })
    .boxed()
}

pub fn gmail_label() -> impl Strategy<Value = AString> {
    "\\\\[A-Z][a-z]{1,6}|[a-z]{1,6}|[ -~]{0,8}|&AOk-".prop_map(|label| AString::new(label).unwrap())
}

fn mod_seq_key() -> impl Strategy<Value = ModSeqSearch> {
    let scope = prop_oneof![Just(ModSeqScope::Private), Just(ModSeqScope::Shared), Just(ModSeqScope::All)];
    let entry = (flag(), scope).prop_map(|(flag, scope)| ModSeqEntry { flag, scope });
    (option::of(entry), 0..=MOD_SEQ_MAX).prop_map(|(entry, mod_seq)| ModSeqSearch { entry, mod_seq })
}

fn search_return() -> BoxedStrategy<SearchReturn> {
    prop_oneof![
        prop::sample::select(vec![
            SearchReturn::Min,
            SearchReturn::Max,
            SearchReturn::All,
            SearchReturn::Count,
            SearchReturn::Save,
            SearchReturn::Relevancy,
            SearchReturn::Context,
        ]),
        partial_range().prop_map(SearchReturn::Partial),
        vec(fetch_attribute(), 0..3).prop_map(SearchReturn::Update),
    ]
    .boxed()
}

fn search_returns() -> BoxedStrategy<Option<Vec<SearchReturn>>> {
    option::of(vec(search_return(), 0..4)).boxed()
}

fn charset() -> impl Strategy<Value = AString> {
    let names: Vec<&str> = Charset::names().chain(["utf8", "us-ascii", "iso-8859-1"]).collect();
    prop::sample::select(names).prop_map(|name| AString::new(name).unwrap())
}

pub fn search() -> BoxedStrategy<SearchCommand> {
    (search_returns(), option::of(charset()), vec(search_key(), 1..4))
        .prop_map(|(returns, charset, keys)| SearchCommand { returns, charset, keys })
        .boxed()
}

fn sort() -> BoxedStrategy<SortCommand> {
    let key = prop::sample::select(vec![
        SortKey::Arrival,
        SortKey::Cc,
        SortKey::Date,
        SortKey::DisplayFrom,
        SortKey::DisplayTo,
        SortKey::From,
        SortKey::Size,
        SortKey::Subject,
        SortKey::To,
        SortKey::Relevancy,
    ]);
    let order = prop_oneof![Just(SortOrder::Ascending), Just(SortOrder::Reverse)];
    let criterion = (key, order).prop_map(|(key, order)| SortCriterion { key, order });
    (search_returns(), vec(criterion, 1..4), charset(), vec(search_key(), 1..3))
        .prop_map(|(returns, criteria, charset, keys)| SortCommand { returns, criteria, charset, keys })
        .boxed()
}

fn thread_algorithm() -> impl Strategy<Value = ThreadAlgorithm> {
    prop_oneof![
        Just(ThreadAlgorithm::OrderedSubject),
        Just(ThreadAlgorithm::References),
        label().prop_map(ThreadAlgorithm::named)
    ]
}

fn threads() -> BoxedStrategy<Threads> {
    let node = |number: Option<NonZeroU32>, depth| ThreadNode { number, depth };
    // A parent that is not there has two children at least, or it could not be told from its child.
    let thread = (any::<bool>(), vec((number(), 0_u32..4), 1..6)).prop_map(move |(headless, nodes)| {
        let mut thread = Vec::new();
        if headless {
            thread.push(node(None, 0));
            thread.push(node(Some(NonZeroU32::MIN), 1));
            thread.extend(nodes.into_iter().map(|(number, depth)| node(Some(number), depth + 1)));
            thread.push(node(Some(NonZeroU32::MIN), 1));
        } else {
            thread.push(node(Some(NonZeroU32::MIN), 0));
            thread.extend(nodes.into_iter().map(|(number, depth)| node(Some(number), depth + 1)));
        }
        thread
    });
    vec(thread, 0..4).prop_map(|threads| Threads::new(threads.into_iter().flatten())).boxed()
}

fn mailbox_filter() -> BoxedStrategy<MailboxFilter> {
    prop_oneof![
        Just(MailboxFilter::Selected),
        Just(MailboxFilter::SelectedDelayed),
        Just(MailboxFilter::Inboxes),
        Just(MailboxFilter::Personal),
        Just(MailboxFilter::Subscribed),
        vec(mailbox(), 1..3).prop_map(MailboxFilter::Subtree),
        vec(mailbox(), 1..3).prop_map(MailboxFilter::SubtreeOne),
        vec(mailbox(), 1..3).prop_map(MailboxFilter::Mailboxes),
    ]
    .boxed()
}

fn notify() -> BoxedStrategy<NotifyCommand> {
    let event = prop_oneof![
        vec(fetch_attribute(), 0..3).prop_map(NotifyEvent::MessageNew),
        label().prop_map(NotifyEvent::named),
        prop::sample::select(vec![
            NotifyEvent::MessageExpunge,
            NotifyEvent::FlagChange,
            NotifyEvent::AnnotationChange,
            NotifyEvent::MailboxName,
            NotifyEvent::SubscriptionChange,
            NotifyEvent::MailboxMetadataChange,
            NotifyEvent::ServerMetadataChange,
        ]),
    ];
    let group =
        (mailbox_filter(), vec(event, 0..4)).prop_map(|(mailboxes, events)| EventGroup { mailboxes, events });
    prop_oneof![
        Just(NotifyCommand::None),
        (any::<bool>(), vec(group, 1..4)).prop_map(|(status, groups)| NotifyCommand::Set { status, groups }),
    ]
    .boxed()
}

fn quota_resource() -> impl Strategy<Value = QuotaResource> {
    prop_oneof![
        prop::sample::select(vec![
            QuotaResource::Storage,
            QuotaResource::Message,
            QuotaResource::Mailbox,
            QuotaResource::AnnotationStorage,
        ]),
        atom().prop_map(QuotaResource::named)
    ]
}

fn metadata_entries() -> BoxedStrategy<Vec<MetadataEntry>> {
    let value = option::of(vec(any::<u8>(), 0..12).prop_map(Bytes::from));
    vec((entry_name(), value).prop_map(|(name, value)| MetadataEntry { name, value }), 1..4).boxed()
}

fn get_metadata() -> BoxedStrategy<GetMetadata> {
    let depth =
        prop_oneof![Just(MetadataDepth::Zero), Just(MetadataDepth::One), Just(MetadataDepth::Infinity)];
    (mailbox(), vec(entry_name(), 1..4), option::of(any::<u32>()), depth)
        .prop_map(|(mailbox, entries, max_size, depth)| GetMetadata { mailbox, entries, max_size, depth })
        .boxed()
}

/// RFC 7162 7: 63 bits.
const MOD_SEQ_MAX: u64 = u64::MAX >> 1;

fn select_parameter() -> BoxedStrategy<SelectParameter> {
    let resync = (number(), 1..=MOD_SEQ_MAX, option::of(uid_set()), option::of((uid_set(), uid_set())))
        .prop_map(|(uid_validity, mod_seq, known_uids, match_data)| {
            SelectParameter::QResync(QResync { uid_validity, mod_seq, known_uids, match_data })
        });
    prop_oneof![Just(SelectParameter::CondStore), resync].boxed()
}

fn fetch_command() -> BoxedStrategy<FetchCommand> {
    let modifiers = (option::of(1..=MOD_SEQ_MAX), any::<bool>(), option::of(partial_range()))
        .prop_map(|(changed_since, vanished, partial)| FetchModifiers { changed_since, vanished, partial });
    (message_set(), vec(fetch_attribute(), 1..5), modifiers)
        .prop_map(|(set, attributes, modifiers)| FetchCommand { set, attributes, modifiers })
        .boxed()
}

/// The header as it is read back; the mode of a literal is the client's choice at that moment.
pub fn literal_header() -> impl Strategy<Value = LiteralHeader> {
    (any::<u64>(), any::<bool>()).prop_map(|(len, binary)| LiteralHeader { len, synchronising: true, binary })
}

pub fn catenate_run() -> BoxedStrategy<CatenateRun> {
    let open = (vec(astring(), 0..3), literal_header())
        .prop_map(|(urls, header)| CatenateRun { urls, text: Some(header) });
    let closed = vec(astring(), 1..3).prop_map(|urls| CatenateRun { urls, text: None });
    prop_oneof![open, closed].boxed()
}

pub fn append_data() -> BoxedStrategy<AppendData> {
    prop_oneof![
        3 => literal_header().prop_map(AppendData::Literal),
        1 => literal_header().prop_map(|header| AppendData::Utf8(LiteralHeader { binary: true, ..header })),
        1 => catenate_run().prop_map(AppendData::Catenate),
    ]
    .boxed()
}

fn extension_command() -> BoxedStrategy<Command> {
    let limit = (quota_resource(), any::<u64>()).prop_map(|(resource, limit)| QuotaLimit { resource, limit });
    let change = (0_usize..3, rights()).prop_map(|(which, rights)| match which {
        0 => RightsChange::Replace(rights),
        1 => RightsChange::Add(rights),
        _ => RightsChange::Remove(rights),
    });
    let reset = option::of((mailbox(), vec(label(), 0..3))).prop_map(|found| match found {
        Some((mailbox, mechanisms)) => ResetKey { mailbox: Some(mailbox), mechanisms },
        None => ResetKey::default(),
    });
    let url = (astring(), label()).prop_map(|(url, mechanism)| UrlToAuthorise { url, mechanism });
    let esearch = (vec(mailbox_filter(), 0..3), search())
        .prop_map(|(mailboxes, search)| Command::Esearch(EsearchCommand { mailboxes, search }));
    let thread = (thread_algorithm(), charset(), vec(search_key(), 1..3))
        .prop_map(|(algorithm, charset, keys)| ThreadCommand { algorithm, charset, keys });
    let labels = (message_set(), store_action(), store_echo(), vec(gmail_label(), 0..4))
        .prop_map(|(set, action, echo, labels)| StoreLabels { set, action, echo, labels });
    let replace = (sequence_number_below(u32::MAX), append_head(), append_data())
        .prop_map(|(message, head, data)| ReplaceCommand { message, head, data });
    let batches = (number(), option::of((number(), number())))
        .prop_map(|(size, batches)| Command::UidBatches(UidBatchesCommand { size, batches }));
    prop_oneof![
        Just(Command::CompressDeflate),
        Just(Command::Unauthenticate),
        Just(Command::GetJmapAccess),
        (mailbox(), pattern()).prop_map(|(reference, pattern)| Command::XList { reference, pattern }),
        (addressing(), replace).prop_map(|(addressing, replace)| Command::Replace(addressing, replace)),
        (addressing(), labels).prop_map(|(addressing, labels)| Command::StoreLabels(addressing, labels)),
        (addressing(), sort()).prop_map(|(addressing, sort)| Command::Sort(addressing, sort)),
        (addressing(), thread).prop_map(|(addressing, thread)| Command::Thread(addressing, thread)),
        esearch,
        vec(astring(), 1..3).prop_map(Command::CancelUpdate),
        batches,
        notify().prop_map(Command::Notify),
        astring().prop_map(Command::GetQuota),
        mailbox().prop_map(Command::GetQuotaRoot),
        (astring(), vec(limit, 0..3)).prop_map(|(root, limits)| Command::SetQuota { root, limits }),
        mailbox().prop_map(Command::GetAcl),
        (mailbox(), astring(), change).prop_map(|(mailbox, identifier, change)| Command::SetAcl {
            mailbox,
            identifier,
            change
        }),
        (mailbox(), astring()).prop_map(|(mailbox, identifier)| Command::DeleteAcl { mailbox, identifier }),
        (mailbox(), astring()).prop_map(|(mailbox, identifier)| Command::ListRights { mailbox, identifier }),
        mailbox().prop_map(Command::MyRights),
        get_metadata().prop_map(Command::GetMetadata),
        (mailbox(), metadata_entries())
            .prop_map(|(mailbox, entries)| Command::SetMetadata { mailbox, entries }),
        vec(url, 1..3).prop_map(Command::GenUrlAuth),
        vec(url_fetch(), 1..3).prop_map(Command::UrlFetch),
        reset.prop_map(Command::ResetKey),
        vec(astring(), 0..3).prop_map(Command::Language),
        vec(astring(), 0..3).prop_map(Command::Comparator),
    ]
    .boxed()
}

fn store_action() -> impl Strategy<Value = StoreAction> {
    prop_oneof![Just(StoreAction::Replace), Just(StoreAction::Add), Just(StoreAction::Remove)]
}

fn store_echo() -> impl Strategy<Value = StoreEcho> {
    prop_oneof![Just(StoreEcho::Report), Just(StoreEcho::Silent)]
}

pub fn status_attribute() -> impl Strategy<Value = StatusAttribute> {
    prop::sample::select(StatusAttribute::EVERY.to_vec())
}

fn status_item() -> BoxedStrategy<StatusItem> {
    let number = (status_attribute(), any::<u64>())
        .prop_filter_map("no number", |(attribute, number)| StatusItem::number(attribute, number));
    prop_oneof![
        6 => number,
        1 => Just(StatusItem::AppendLimit(None)),
        1 => object_id().prop_map(StatusItem::MailboxId)
    ]
    .boxed()
}

pub fn list_command() -> BoxedStrategy<ListCommand> {
    let basic = (mailbox(), pattern()).prop_map(|(reference, pattern)| ListCommand {
        style: ListStyle::Basic,
        selection: Vec::new(),
        reference,
        patterns: vec![pattern],
        returns: Vec::new(),
    });
    let selection = prop_oneof![
        Just(vec![]),
        Just(vec![ListSelection::Remote]),
        Just(vec![ListSelection::Subscribed, ListSelection::RecursiveMatch]),
        Just(vec![ListSelection::SpecialUse, ListSelection::Remote]),
    ];
    let returns = vec(
        prop_oneof![
            Just(ListReturn::Subscribed),
            Just(ListReturn::Children),
            Just(ListReturn::SpecialUse),
            Just(ListReturn::MyRights),
            vec(status_attribute(), 1..4).prop_map(ListReturn::Status),
            vec(entry_name(), 1..3).prop_map(ListReturn::Metadata),
        ],
        0..4,
    );
    // The parser drops what is given twice.
    let returns = returns.prop_map(|options: Vec<ListReturn>| {
        let mut once: Vec<ListReturn> = Vec::new();
        for option in options {
            if !once.contains(&option) {
                once.push(option);
            }
        }
        once
    });
    let extended = (selection, mailbox(), vec(pattern(), 1..4), returns).prop_map(
        |(selection, reference, patterns, returns)| ListCommand {
            style: ListStyle::Extended,
            selection,
            reference,
            patterns,
            returns,
        },
    );
    prop_oneof![basic, extended].boxed()
}

pub fn id_parameters() -> impl Strategy<Value = IdParameters> {
    let name = "[ -~]{0,30}".prop_map(|text| AString::new(text).unwrap());
    let value = option::of("[ -~]{0,40}".prop_map(|text| AString::new(text).unwrap()));
    vec((name, value), 0..5).prop_map(|pairs| IdParameters::new(pairs).unwrap())
}

pub fn append_head() -> BoxedStrategy<AppendHead> {
    (mailbox(), flags(), option::of(date_time()))
        .prop_map(|(mailbox, flags, date_time)| AppendHead { mailbox, flags, date_time })
        .boxed()
}

pub fn addressing() -> impl Strategy<Value = Addressing> {
    prop_oneof![Just(Addressing::Sequence), Just(Addressing::Uid)]
}

pub fn special_use() -> impl Strategy<Value = SpecialUse> {
    prop::sample::select(SpecialUse::EVERY.to_vec())
}

pub fn secret() -> impl Strategy<Value = Secret> {
    vec(any::<u8>(), 0..20).prop_map(Secret::new)
}

pub fn store() -> BoxedStrategy<StoreCommand> {
    (message_set(), option::of(0..=MOD_SEQ_MAX), store_action(), store_echo(), flags())
        .prop_map(|(set, unchanged_since, action, echo, flags)| StoreCommand {
            set,
            unchanged_since,
            action,
            echo,
            flags,
        })
        .boxed()
}

pub fn command() -> BoxedStrategy<Command> {
    let select = || vec(select_parameter(), 0..2);
    let copy = || (message_set(), mailbox()).prop_map(|(set, mailbox)| CopyCommand { set, mailbox });
    prop_oneof![
        prop::sample::select(vec![
            Command::Capability,
            Command::Noop,
            Command::Logout,
            Command::StartTls,
            Command::Namespace,
            Command::Close,
            Command::Unselect,
            Command::Check,
            Command::Expunge,
            Command::Idle,
        ]),
        (astring(), astring()).prop_map(|(user, password)| {
            Command::Login(Login::new(user, Secret::from(password.as_bytes())).unwrap())
        }),
        (atom(), option::of(secret()))
            .prop_map(|(mechanism, initial)| Command::Authenticate(Authenticate { mechanism, initial })),
        id_parameters().prop_map(Command::Id),
        vec(capability(), 1..4).prop_map(Command::Enable),
        list_command().prop_map(Command::List),
        (mailbox(), pattern()).prop_map(|(reference, pattern)| Command::Lsub { reference, pattern }),
        mailbox().prop_map(Command::Subscribe),
        mailbox().prop_map(Command::Unsubscribe),
        (mailbox(), vec(special_use(), 0..3))
            .prop_map(|(mailbox, special_use)| Command::Create(Create { mailbox, special_use })),
        mailbox().prop_map(Command::Delete),
        (mailbox(), mailbox()).prop_map(|(from, to)| Command::Rename { from, to }),
        (mailbox(), vec(status_attribute(), 1..5)).prop_map(|(name, items)| Command::Status(name, items)),
        (mailbox(), select()).prop_map(|(mailbox, parameters)| Command::Select(mailbox, parameters)),
        (mailbox(), select()).prop_map(|(mailbox, parameters)| Command::Examine(mailbox, parameters)),
        message_set().prop_map(Command::UidExpunge),
        (append_head(), append_data()).prop_map(|(head, data)| Command::Append(head, data)),
        (addressing(), fetch_command()).prop_map(|(addressing, fetch)| Command::Fetch(addressing, fetch)),
        (addressing(), store()).prop_map(|(addressing, store)| Command::Store(addressing, store)),
        (addressing(), copy()).prop_map(|(addressing, copy)| Command::Copy(addressing, copy)),
        (addressing(), copy()).prop_map(|(addressing, copy)| Command::Move(addressing, copy)),
        extension_command(),
        (addressing(), search()).prop_map(|(addressing, search)| Command::Search(addressing, search)),
    ]
    .boxed()
}

pub fn code() -> BoxedStrategy<ResponseCode> {
    prop_oneof![
        prop::sample::select(vec![
            ResponseCode::Alert,
            ResponseCode::AlreadyExists,
            ResponseCode::AuthenticationFailed,
            ResponseCode::AuthorizationFailed,
            ResponseCode::Cannot,
            ResponseCode::ClientBug,
            ResponseCode::Closed,
            ResponseCode::ContactAdmin,
            ResponseCode::Corruption,
            ResponseCode::Expired,
            ResponseCode::ExpungeIssued,
            ResponseCode::HasChildren,
            ResponseCode::InUse,
            ResponseCode::Limit,
            ResponseCode::NoModSeq,
            ResponseCode::NonExistent,
            ResponseCode::NoPerm,
            ResponseCode::NotSaved,
            ResponseCode::OverQuota,
            ResponseCode::Parse,
            ResponseCode::PrivacyRequired,
            ResponseCode::ReadOnly,
            ResponseCode::ReadWrite,
            ResponseCode::ServerBug,
            ResponseCode::TooBig,
            ResponseCode::TryCreate,
            ResponseCode::UidNotSticky,
            ResponseCode::Unavailable,
            ResponseCode::UnknownCte,
            ResponseCode::UseAttr,
            ResponseCode::BadComparator,
            ResponseCode::CompressionActive,
            ResponseCode::MetadataTooMany,
            ResponseCode::MetadataNoPrivate,
            ResponseCode::NotificationOverflow,
            ResponseCode::TooFew,
            ResponseCode::TooMany,
            ResponseCode::UidRequired,
        ]),
        extension_code(),
        (number(), uid_set()).prop_map(|(uid_validity, uids)| ResponseCode::AppendUid { uid_validity, uids }),
        (number(), uid_set(), uid_set()).prop_map(|(uid_validity, source, target)| {
            ResponseCode::CopyUid { uid_validity, source, target }
        }),
        vec(astring(), 0..3).prop_map(ResponseCode::BadCharset),
        vec(capability(), 0..4).prop_map(ResponseCode::Capability),
        (flags(), any::<bool>()).prop_map(|(flags, new_keywords)| {
            ResponseCode::PermanentFlags(PermanentFlags { flags, new_keywords })
        }),
        any::<u64>().prop_map(ResponseCode::HighestModSeq),
        any::<u64>().prop_map(ResponseCode::UidNext),
        any::<u64>().prop_map(ResponseCode::UidValidity),
        any::<u64>().prop_map(ResponseCode::Unseen),
        ("X-[A-Z]{1,6}", option::of("[!-\\\\^-~]{1,10}")).prop_map(|(name, arguments)| {
            ResponseCode::Other { name: Atom::new(name).unwrap(), arguments: arguments.map(Bytes::from) }
        }),
    ]
    .boxed()
}

fn extension_code() -> BoxedStrategy<ResponseCode> {
    let url = || "imap://[!-Z^-~]{1,12}".prop_map(Bytes::from);
    let progress = option::of((any::<u32>(), option::of(number())));
    let mechanism = ("[A-Z.-]{1,6}", option::of(vec(any::<u8>(), 1..5).prop_map(Bytes::from)))
        .prop_map(|(name, data)| UrlMechanism { name: Label::new(name).unwrap(), data });
    prop_oneof![
        vec(label(), 1..3).prop_map(ResponseCode::BadEvent),
        url().prop_map(ResponseCode::BadUrl),
        url().prop_map(ResponseCode::Referral),
        (option::of("[a-z0-9]{1,6}"), progress).prop_map(|(tag, progress)| ResponseCode::InProgress {
            tag: tag.map(|tag| Tag::new(tag).unwrap()),
            progress: progress.map(|(progress, _)| progress),
            goal: progress.and_then(|(_, goal)| goal),
        }),
        object_id().prop_map(ResponseCode::MailboxId),
        (number(), option::of(number())).prop_map(|(limit, uid)| ResponseCode::MessageLimit { limit, uid }),
        any::<u64>().prop_map(ResponseCode::MetadataLongEntries),
        any::<u64>().prop_map(ResponseCode::MetadataMaxSize),
        sequence_set().prop_map(ResponseCode::Modified),
        "[ -Z^-~]{0,8}".prop_map(|tag| ResponseCode::NoUpdate(AString::new(tag).unwrap())),
        atom().prop_map(ResponseCode::UndefinedFilter),
        vec(mechanism, 0..3).prop_map(ResponseCode::UrlMech),
    ]
    .boxed()
}

/// Codes of a status line hold no literals: strange strings would need them.
pub fn status(conditions: &'static [Condition]) -> impl Strategy<Value = Status> {
    let plain = code().prop_filter("no literals in status lines", |code| match code {
        ResponseCode::BadCharset(names) => names
            .iter()
            .all(|name| name.as_bytes().iter().all(|octet| matches!(octet, b' '..=b'~') && *octet != b']')),
        _ => true,
    });
    (prop::sample::select(conditions), option::of(plain), "[!-Z^-~][ -~]{0,20}")
        .prop_filter("ends like a literal", |(_, _, text)| {
            literal_marker(text.as_bytes()) == LiteralMarker::None
        })
        .prop_map(|(condition, code, text)| Status { condition, code, text: text.into() })
}

pub fn address() -> BoxedStrategy<Address> {
    (nstring(), nstring(), nstring(), nstring())
        .prop_map(|(name, adl, mailbox, host)| Address { name, adl, mailbox, host })
        .boxed()
}

pub fn envelope() -> BoxedStrategy<Envelope> {
    let list = || vec(address(), 0..3);
    ((nstring(), nstring(), nstring(), nstring()), (list(), list(), list(), list(), list(), list()))
        .prop_map(|((date, subject, in_reply_to, message_id), (from, sender, reply_to, to, cc, bcc))| {
            Envelope { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id }
        })
        .boxed()
}

pub fn parameters() -> BoxedStrategy<Parameters> {
    vec((astring(), astring()), 0..3).boxed()
}

type Tail = (Option<Disposition>, Vec<AString>, NString);

pub fn extension_tail() -> BoxedStrategy<Tail> {
    let disposition =
        (astring(), parameters()).prop_map(|(kind, parameters)| Disposition { kind, parameters });
    (option::of(disposition), vec(astring(), 0..3), nstring()).boxed()
}

pub fn body_structure(extended: bool) -> BoxedStrategy<BodyStructure> {
    let part_extension = move || {
        option::of((nstring(), extension_tail()).prop_map(|(md5, (disposition, language, location))| {
            PartExtension { md5, disposition, language, location }
        }))
        .prop_map(move |extension| extension.filter(|_| extended))
        .boxed()
    };
    let fields =
        move || (parameters(), nstring(), nstring(), astring(), any::<u64>(), part_extension()).boxed();
    let part = |kind, (parameters, id, description, encoding, octets, extension)| {
        BodyStructure::Part(BodyPart { kind, parameters, id, description, encoding, octets, extension })
    };
    let basic = ("[A-S]{1,8}|MESSAGE", "[a-z]{1,5}|delivery-status").prop_map(|(media_type, subtype)| {
        BodyKind::Basic {
            media_type: AString::new(media_type).unwrap(),
            subtype: AString::new(subtype).unwrap(),
        }
    });
    let text = (astring(), any::<u64>()).prop_map(|(subtype, lines)| BodyKind::Text { subtype, lines });
    let leaf = (prop_oneof![basic, text], fields()).prop_map(move |(kind, fields)| part(kind, fields));
    leaf.prop_recursive(3, 8, 3, move |inner| {
        let extension = option::of((parameters(), extension_tail()).prop_map(
            |(parameters, (disposition, language, location))| MultipartExtension {
                parameters,
                disposition,
                language,
                location,
            },
        ))
        .prop_map(move |extension| extension.filter(|_| extended))
        .boxed();
        let multipart =
            (vec(inner.clone(), 1..4), astring(), extension).prop_map(|(parts, subtype, extension)| {
                BodyStructure::Multipart(Multipart { parts, subtype, extension })
            });
        let message =
            (prop::sample::select(vec!["RFC822", "global"]), envelope(), inner, any::<u64>(), fields())
                .prop_map(move |(subtype, envelope, body, lines, fields)| {
                    let kind = BodyKind::Message {
                        subtype: AString::new(subtype).unwrap(),
                        envelope: Box::new(envelope),
                        body: Box::new(body),
                        lines,
                    };
                    part(kind, fields)
                });
        prop_oneof![multipart, message]
    })
    .boxed()
}

pub fn payload() -> BoxedStrategy<FetchItem> {
    let text = prop_oneof![
        (section(), option::of(any::<u32>()))
            .prop_map(|(section, origin)| Payload::Section { section, origin }),
        Just(Payload::Rfc822),
        Just(Payload::Rfc822Header),
        Just(Payload::Rfc822Text),
    ];
    let binary = (option::of(part()), option::of(any::<u32>()))
        .prop_map(|(part, origin)| Payload::Binary { part, origin });
    let data = |octet| option::of(vec(octet, 0..30).prop_map(Bytes::from));
    prop_oneof![
        (text, data((1_u8..).boxed())).prop_map(|(payload, data)| FetchItem::Payload { payload, data }),
        (binary, data(any::<u8>().boxed())).prop_map(|(payload, data)| FetchItem::Payload { payload, data }),
    ]
    .boxed()
}

pub fn fetch_item() -> BoxedStrategy<FetchItem> {
    prop_oneof![
        vec(prop_oneof![flag(), Just(Flag::Recent)], 0..4).prop_map(|flags| FetchItem::Flags(flags.into())),
        option::of(date_time()).prop_map(FetchItem::SaveDate),
        object_id().prop_map(FetchItem::EmailId),
        option::of(object_id()).prop_map(FetchItem::ThreadId),
        nstring().prop_map(FetchItem::Preview),
        any::<u64>().prop_map(FetchItem::GmMsgId),
        any::<u64>().prop_map(FetchItem::GmThrId),
        vec(gmail_label(), 0..4).prop_map(FetchItem::GmLabels),
        number().prop_map(FetchItem::Uid),
        date_time().prop_map(FetchItem::InternalDate),
        any::<u64>().prop_map(FetchItem::Rfc822Size),
        envelope().prop_map(|envelope| FetchItem::Envelope(Box::new(envelope))),
        body_structure(false).prop_map(|body| FetchItem::Body(Box::new(body))),
        body_structure(true).prop_map(|body| FetchItem::BodyStructure(Box::new(body))),
        payload(),
        (option::of(part()), any::<u32>()).prop_map(|(part, size)| FetchItem::BinarySize { part, size }),
        any::<u64>().prop_map(FetchItem::ModSeq),
    ]
    .boxed()
}

/// Attributes that do not contradict each other, each once: the encoder writes no others.
fn attributes() -> impl Strategy<Value = Vec<MailboxAttribute>> {
    let one_of = |attributes: &'static [MailboxAttribute]| option::of(prop::sample::select(attributes));
    let selectability = one_of(&[
        MailboxAttribute::NoSelect,
        MailboxAttribute::NonExistent,
        MailboxAttribute::Marked,
        MailboxAttribute::Unmarked,
    ]);
    let children = one_of(&[
        MailboxAttribute::HasChildren,
        MailboxAttribute::HasNoChildren,
        MailboxAttribute::NoInferiors,
    ]);
    let others = (one_of(&[MailboxAttribute::Subscribed]), one_of(&[MailboxAttribute::Remote]));
    let role = option::of(special_use().prop_map(MailboxAttribute::SpecialUse));
    let own = option::of("X[a-z]{1,6}".prop_map(|name| MailboxAttribute::named(Atom::new(name).unwrap())));
    (selectability, children, others, role, own)
        .prop_map(|(selectability, children, others, role, own)| {
            [selectability, children, others.0, others.1, role, own].into_iter().flatten().collect::<Vec<_>>()
        })
        .prop_shuffle()
}

pub fn list_response() -> BoxedStrategy<ListResponse> {
    let child_info = vec(Just(Atom::new("SUBSCRIBED").unwrap()), 0..2);
    (attributes(), delimiter(), mailbox(), child_info, option::of(mailbox()))
        .prop_map(|(attributes, delimiter, mailbox, child_info, old_name)| ListResponse {
            attributes,
            delimiter,
            mailbox,
            child_info,
            old_name,
        })
        .boxed()
}

pub fn delimiter() -> impl Strategy<Value = Option<char>> {
    option::of(prop::char::range('!', '~'))
}

pub fn namespaces() -> BoxedStrategy<Namespaces> {
    let namespace = || {
        let namespace = (mailbox(), delimiter(), option::of(astring()));
        vec(
            namespace.prop_map(|(prefix, delimiter, translation)| Namespace {
                prefix,
                delimiter,
                translation,
            }),
            0..3,
        )
    };
    (namespace(), namespace(), namespace())
        .prop_map(|(personal, other_users, shared)| Namespaces { personal, other_users, shared })
        .boxed()
}

pub fn esearch() -> BoxedStrategy<EsearchResponse> {
    let fields = (option::of(number()), option::of(number()), option::of(sequence_set()));
    let place = option::of((mailbox(), number()));
    let partial = option::of((partial_range(), option::of(sequence_set())));
    let change = (any::<bool>(), option::of(number()), sequence_set());
    let changes = vec(
        change.prop_map(|(adds, position, numbers)| match adds {
            true => ContextChange::AddTo { position, numbers },
            false => ContextChange::RemoveFrom { position, numbers },
        }),
        0..5,
    );
    let extended = (option::of(any::<u64>()), partial, changes, vec(1_u8..=100, 0..4));
    (option::of(tag()), place, any::<bool>(), fields, option::of(any::<u32>()), extended)
        .prop_map(|(tag, mailbox, uid, (min, max, all), count, extended)| {
            let (mod_seq, partial, changes, relevancy) = extended;
            EsearchResponse {
                tag: tag.map(|tag| AString::new(tag.as_str().to_owned()).unwrap()),
                mailbox,
                uid,
                min,
                max,
                all,
                count,
                mod_seq,
                partial,
                changes,
                relevancy,
            }
        })
        .boxed()
}

fn search_response() -> BoxedStrategy<SearchResponse> {
    (vec(number(), 0..6), option::of(any::<u64>()))
        .prop_map(|(numbers, mod_seq)| SearchResponse { numbers, mod_seq })
        .boxed()
}

fn url_fetch() -> impl Strategy<Value = UrlFetch> {
    use UrlFetchItem::{Binary, Body, BodyPartStructure};
    let items: [&[UrlFetchItem]; 6] = [
        &[],
        &[Body],
        &[Binary],
        &[BodyPartStructure],
        &[Binary, BodyPartStructure],
        &[BodyPartStructure, Body],
    ];
    (astring(), prop::sample::select(items.to_vec()))
        .prop_map(|(url, items)| UrlFetch { url, items: items.to_vec() })
}

fn extension_response() -> BoxedStrategy<Response> {
    let usage = (quota_resource(), any::<u64>(), any::<u64>())
        .prop_map(|(resource, usage, limit)| QuotaUsage { resource, usage, limit });
    let batches = (option::of(tag()), uid_set()).prop_map(|(tag, uids)| UidBatches {
        tag: tag.map(|tag| AString::new(tag.as_str().to_owned()).unwrap()),
        batches: uids.ranges().to_vec(),
    });
    let metadata = prop_oneof![
        metadata_entries().prop_map(MetadataData::Values),
        vec(entry_name(), 1..3).prop_map(MetadataData::Changed)
    ];
    let fetched = (astring(), option::of(astring()))
        .prop_map(|(url, data)| FetchedUrl { url, data: UrlData::Octets(data.map(AString::into_bytes)) });
    let item = prop_oneof![
        option::of(astring()).prop_map(|data| UrlItem::Body(data.map(AString::into_bytes))),
        option::of(vec(any::<u8>(), 0..10)).prop_map(|data| UrlItem::Binary(data.map(Bytes::from))),
        body_structure(true).prop_map(|body| UrlItem::BodyPartStructure(Box::new(body))),
    ];
    let extended =
        (astring(), vec(item, 1..3)).prop_map(|(url, items)| FetchedUrl { url, data: UrlData::Items(items) });
    let fetched = prop_oneof![fetched, extended].boxed();
    prop_oneof![
        list_response().prop_map(Response::XList),
        search_response().prop_map(Response::Sort),
        threads().prop_map(Response::Thread),
        (number(), vec(fetch_item(), 1..4)).prop_map(|(uid, items)| Response::UidFetch(uid, items)),
        batches.prop_map(Response::UidBatches),
        (astring(), vec(usage, 0..3)).prop_map(|(root, resources)| Response::Quota { root, resources }),
        (mailbox(), vec(astring(), 0..3)).prop_map(|(mailbox, roots)| Response::QuotaRoot { mailbox, roots }),
        (mailbox(), vec((astring(), rights()), 0..3))
            .prop_map(|(mailbox, entries)| Response::Acl(Acl { mailbox, entries })),
        (mailbox(), astring(), rights(), vec(rights(), 0..3)).prop_map(
            |(mailbox, identifier, required, optional)| {
                Response::ListRights(ListRights { mailbox, identifier, required, optional })
            }
        ),
        (mailbox(), rights()).prop_map(|(mailbox, rights)| Response::MyRights { mailbox, rights }),
        (mailbox(), metadata).prop_map(|(mailbox, data)| Response::Metadata(Metadata { mailbox, data })),
        vec(astring(), 1..3).prop_map(Response::GenUrlAuth),
        vec(fetched, 1..3).prop_map(Response::UrlFetch),
        vec(astring(), 0..3).prop_map(Response::Language),
        (astring(), vec(astring(), 0..3))
            .prop_map(|(active, matching)| Response::Comparator(Comparator { active, matching })),
        astring().prop_map(Response::JmapAccess),
    ]
    .boxed()
}

pub fn response() -> BoxedStrategy<Response> {
    const TAGGED: &[Condition] = &[Condition::Ok, Condition::No, Condition::Bad];
    const UNTAGGED: &[Condition] =
        &[Condition::Ok, Condition::No, Condition::Bad, Condition::PreAuth, Condition::Bye];
    prop_oneof![
        (tag(), status(TAGGED)).prop_map(|(tag, status)| Response::Tagged(tag, status)),
        status(UNTAGGED).prop_map(Response::Untagged),
        "[a-zA-Z0-9+/=]{0,20}".prop_map(|text| Response::Continue(text.into())),
        vec(capability(), 0..5).prop_map(Response::Capability),
        vec(capability(), 0..5).prop_map(Response::Enabled),
        flags().prop_map(Response::Flags),
        list_response().prop_map(Response::List),
        list_response().prop_map(Response::Lsub),
        search_response().prop_map(Response::Search),
        extension_response(),
        esearch().prop_map(Response::Esearch),
        (mailbox(), vec(status_item(), 0..4)).prop_map(|(mailbox, items)| Response::Status(mailbox, items)),
        any::<u32>().prop_map(Response::Exists),
        any::<u32>().prop_map(Response::Recent),
        number().prop_map(Response::Expunge),
        (number(), vec(fetch_item(), 1..5)).prop_map(|(number, items)| Response::Fetch(number, items)),
        namespaces().prop_map(Response::Namespace),
        id_parameters().prop_map(Response::Id),
        (any::<bool>(), uid_set()).prop_map(|(earlier, uids)| Response::Vanished { earlier, uids }),
    ]
    .boxed()
}
