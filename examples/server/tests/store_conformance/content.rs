//! Contents, summaries, the search index.

use bytes::Bytes;
use posthaste_imap::casemap::casemap;
use posthaste_imap::search::Needle;
use posthaste_server::store::{BlobId, CHUNK, Expunge, Flags, Room, StoreError};

use crate::stores::{ANNA, DATE, Stage, read};

pub(crate) async fn parts_of_many_contents_come_at_once(stage: Stage) {
    let inbox = stage.inbox().await;
    let long: Vec<u8> = (0..CHUNK * 2 + 10).map(|at| u8::try_from(at % 251).unwrap()).collect();
    stage.append(inbox, b"0123456789", Flags::default()).await;
    stage.append(inbox, &long, Flags::default()).await;
    stage.append(inbox, b"", Flags::default()).await;
    let blobs: Vec<BlobId> = stage.metas(inbox).await.iter().map(|meta| meta.blob).collect();
    let octets = |from: u64, to: u64| {
        Some(Bytes::copy_from_slice(&long[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()]))
    };
    let asked = [
        (blobs[1], 0..3, octets(0, 3)),
        (blobs[0], 2..5, Some(Bytes::from_static(b"234"))),
        (blobs[0], 8..100, Some(Bytes::from_static(b"89"))),
        (blobs[0], 50..60, Some(Bytes::new())),
        (blobs[1], CHUNK - 2..CHUNK + 2, octets(CHUNK - 2, CHUNK + 2)),
        (blobs[1], 0..u64::MAX, octets(0, CHUNK * 2 + 10)),
        (blobs[2], 0..10, Some(Bytes::new())),
        (BlobId(999), 0..10, None),
    ];
    let (parts, expected): (Vec<_>, Vec<_>) =
        asked.into_iter().map(|(blob, range, octets)| ((blob, range), octets)).unzip();
    assert_eq!(stage.store.parts(parts).await.unwrap(), expected);
}

pub(crate) async fn a_message_comes_back_as_it_was_whole_and_in_parts(stage: Stage) {
    let inbox = stage.inbox().await;
    let chunk = usize::try_from(CHUNK).unwrap();
    for size in [0, 1, 70_000, chunk - 1, chunk, chunk + 1, 3 * chunk + 17] {
        let content: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let uid = stage.append(inbox, &content, Flags::default()).await;
        let blob = stage.blob(inbox, uid).await;
        assert!(stage.content(blob, 0..u64::MAX).await == content, "{size}");
        for (start, end) in
            [(0, 0), (0, 1), (1, size), (chunk - 1, chunk + 1), (chunk, 2 * chunk), (size, size + 9)]
        {
            let wanted = content.get(start.min(size)..end.min(size)).unwrap_or_default();
            let range = start as u64..end as u64;
            let opened = stage.store.content(blob, range).await.unwrap();
            assert_eq!((opened.size(), opened.remaining()), (size as u64, wanted.len() as u64));
            assert!(read(opened).await == wanted, "{size} {start}..{end}");
        }
    }
    let metas = stage.metas(inbox).await;
    assert!(metas.iter().all(|meta| meta.date == DATE && meta.saved > DATE.seconds));
    assert!(matches!(stage.store.content(BlobId(999), 0..9).await, Err(StoreError::NoSuchMessage)));
    stage.check().await;
}

pub(crate) async fn what_is_being_read_can_be_read_to_its_end(stage: Stage) {
    let inbox = stage.inbox().await;
    let content = vec![b'x'; usize::try_from(3 * CHUNK).unwrap()];
    let uid = stage.append(inbox, &content, Flags::default()).await;
    let blob = stage.blob(inbox, uid).await;
    let mut reader = stage.store.content(blob, 0..u64::MAX).await.unwrap();
    let mut octets = reader.next_chunk().await.unwrap().unwrap().to_vec();
    stage.store.expunge(inbox, Expunge::Uids(vec![uid])).await.unwrap();
    assert_eq!(stage.store.purge(i64::MAX, 10).await, Ok(1));
    assert!(stage.store.content(blob, 0..9).await.is_err());
    // Other writes, in which what nobody refers to could go.
    for _ in 0..40 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    octets.extend(read(reader).await);
    assert!(octets == content);
    stage.check().await;
}

pub(crate) async fn summaries_come_in_the_order_of_the_question(stage: Stage) {
    let inbox = stage.inbox().await;
    let mut messages = Vec::new();
    for summary in ["one", "", "three"] {
        let mut message = stage.message(b"x", Flags::default()).await;
        message.content.set_summary(Bytes::from_static(summary.as_bytes()));
        messages.push(message);
    }
    stage.store.append(inbox, Room::UNLIMITED, messages).await.unwrap();
    let blobs: Vec<BlobId> = stage.metas(inbox).await.iter().map(|meta| meta.blob).collect();
    let asked = vec![blobs[2], BlobId(999), blobs[0], blobs[1], blobs[2]];
    let found = stage.store.summaries(asked).await.unwrap();
    let found: Vec<Option<&[u8]>> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, [Some(&b"three"[..]), None, Some(b"one"), None, Some(b"three")]);
}

pub(crate) async fn rfc1939_11_contents_with_other_lines_are_known(stage: Stage) {
    let inbox = stage.inbox().await;
    let long = [&vec![b'x'; 100_000][..], b"\n"].concat();
    let contents: [&[u8]; 7] = [b"a\r\nb\r\n", b"a\nb\r", b"", b"a", b"a\r\n", &long, b"a\n"];
    for content in contents {
        stage.append(inbox, content, Flags::default()).await;
    }
    let blobs: Vec<BlobId> = stage.metas(inbox).await.iter().map(|meta| meta.blob).collect();
    let asked = [3, 0, 1, 5, 2, 3].map(|at| blobs[at]).to_vec();
    let longer = [(blobs[3], 3), (blobs[1], 6), (blobs[5], 100_002), (blobs[3], 3)];
    let found = |asked| stage.store.sizes_on_lines(asked);
    assert_eq!(found([asked, vec![BlobId(999)]].concat()).await.unwrap(), longer);
    assert_eq!(found(vec![blobs[0], blobs[2], blobs[4]]).await.unwrap(), []);
    assert_eq!(found(Vec::new()).await.unwrap(), []);
    // Octets that come in pieces which fit no line, and the message that comes after them in one command.
    let mut spool = stage.store.spool();
    for piece in [&b"a\r"[..], b"\nb", b"\r", b"\n"] {
        spool.write(piece).await.unwrap();
    }
    let (one, mut spool) = spool.next().await.unwrap();
    spool.write(b"\nc").await.unwrap();
    let other = spool.finish().await.unwrap();
    assert_eq!((one.size(), one.size_on_lines(), other.size(), other.size_on_lines()), (6, 6, 2, 5));
    stage.check().await;
}

pub(crate) async fn search_02_may_contain_has_all_that_contain(stage: Stage) {
    let inbox = stage.inbox().await;
    let sent = stage.mailbox(ANNA, "Sent").await.id;
    let texts = [
        "Subject: The quick brown fox\r\n\r\njumps over",
        "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\nthe lazy dog \"quoted\"",
        "Content-Transfer-Encoding: base64\r\n\r\nVGhlIHF1aWNrIGJyb3duIGZveA==\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ninner b\u{f6}x\r\n--b--\r\n",
        "",
    ];
    for text in texts {
        stage.append(inbox, text.as_bytes(), Flags::default()).await;
    }
    stage.append(sent, texts[0].as_bytes(), Flags::default()).await;
    let blobs: Vec<BlobId> = stage.metas(inbox).await.iter().map(|meta| meta.blob).collect();
    let holders: [(&str, &[usize]); 8] = [
        ("QUICK brown", &[0, 2]),
        ("gr\u{fc}\u{df}e", &[1]),
        ("\"Quoted", &[1]),
        ("INNER B\u{d6}X", &[3]),
        ("subject: the", &[0]),
        ("ick", &[0, 2]),
        ("nowhere at all", &[]),
        ("boundary=b", &[3]),
    ];
    for caught_up in [false, true] {
        if caught_up {
            stage.store.catch_up().await.unwrap();
        }
        for (needle, holders) in holders {
            let found = stage.store.may_contain(blobs.clone(), &casemap(needle)).await.unwrap();
            let Some(found) = found else { continue };
            assert!(found.is_sorted() && found.iter().all(|blob| blobs.contains(blob)), "{needle}");
            for holder in holders {
                assert!(found.contains(&blobs[*holder]), "{needle} is in {holder}");
            }
            // One that is no trigram of anything is in nothing, once all is known.
            assert!(!caught_up || needle != "nowhere at all" || found.is_empty(), "{found:?}");
        }
        assert_eq!(stage.store.may_contain(blobs.clone(), "AB").await, Ok(None));
        // Only what was asked for is told, and of nothing nothing.
        let found = stage.store.may_contain(vec![blobs[2]], "QUICK").await.unwrap();
        assert!(found.is_none_or(|found| found == [blobs[2]]));
        let found = stage.store.may_contain(Vec::new(), "QUICK").await.unwrap();
        assert!(found.is_none_or(|found| found.is_empty()));
    }
    assert!(Needle::new("ICK").is_in(texts[0]));
    stage.store.expunge(inbox, Expunge::Uids(vec![1])).await.unwrap();
    let left = stage.blobs(inbox).await;
    let found = stage.store.may_contain(left, &casemap("quick")).await.unwrap();
    assert!(found.is_none_or(|found| found == [blobs[2]]));
    stage.store.delete_mailbox(sent).await.unwrap();
    stage.store.purge(i64::MAX, 10).await.unwrap();
    stage.check().await;
}
