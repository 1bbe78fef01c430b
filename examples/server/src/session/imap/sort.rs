//! SORT and THREAD (RFC 5256, RFC 5957, RFC 5267 3). What SORT finds can be saved as that of SEARCH (RFC 5182 1).
//!
//! What is compared comes from the summaries of the contents, and stays in the index as long as there is room.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use posthaste_imap::ProtocolError;
use posthaste_imap::message::{Overview, Summary};
use posthaste_imap::search::Hit;
use posthaste_imap::server::{Asked, Found, Refusal, Sort, Thread};
use posthaste_imap::sort::{self, Entry};
use posthaste_imap::thread;
use posthaste_imap::types::{AString, Addressing, SearchCommand, SearchKey, SortCriterion, SortKey};
use posthaste_tokio::Error;

use super::patience::Progress;
use super::search::{Look, Match, Unsearched};
use super::{Outcome, Session, reading};
use crate::index::{Index, Open, Overviews};
use crate::store::{BlobId, StoreError};

/// What SORT and THREAD look at, and how far they are.
struct Ground {
    look: Look,
    open: Arc<Open>,
    index: Index,
    progress: Progress,
}

impl Session {
    /// The selected mailbox, once the client has been told what is new in it.
    async fn ground(&mut self) -> Result<Option<Ground>, Error<ProtocolError>> {
        self.sync().await?;
        let (Some(look), Some(selected)) = (self.look(), &self.selected) else { return Ok(None) };
        let (open, index) = (Arc::clone(&selected.open), self.context.index.clone());
        Ok(Some(Ground { look, open, index, progress: Progress::default() }))
    }

    pub(super) async fn sort(&mut self, asked: Asked<Sort>) -> Outcome {
        let Some(ground) = self.ground().await? else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let (command, addressing) = (&asked.command, asked.addressing);
        let work = async {
            let found = ground.find(&command.charset, &command.keys).await?;
            let mod_seq = found.iter().map(|found| found.modseq).max();
            let overviews = if command.criteria.iter().all(is_in_index) {
                std::iter::repeat_n(Arc::new(Overview::default()), found.len()).collect()
            } else {
                ground.overviews(&found).await?
            };
            let criteria = command.criteria.clone();
            let uids = uids_by_number(addressing, &found);
            let sorted = blocking(move || sort::sort(&entries(addressing, &found, &overviews), &criteria));
            Ok::<_, Unsearched>((sorted.await?, mod_seq, uids))
        };
        let sorted = self.patiently(&asked, &ground.progress, Box::pin(work)).await?;
        let returns = asked.command.returns.as_deref().unwrap_or_default();
        let sorted = match sorted {
            Ok((numbers, mod_seq, uids)) => {
                let hit = |number: &NonZeroU32| {
                    let at = uids.binary_search_by_key(number, |(number, _)| *number).ok()?;
                    let (_, uid) = uids.get(at)?;
                    Some(Hit { number: *number, uid: *uid, mod_seq: 0 })
                };
                let hits: Vec<Hit> = numbers.iter().filter_map(hit).collect();
                if !self.save(&hits, returns) {
                    return Ok(asked.no(self.connection.machine(), Refusal::not_saved())?);
                }
                Ok((numbers, mod_seq))
            }
            Err(error) => {
                self.forget_saved(returns);
                Err(error)
            }
        };
        self.sync().await?;
        let server = self.connection.machine();
        match sorted {
            Ok((numbers, mod_seq)) => {
                let mod_seq = mod_seq.filter(|_| has_mod_seq(&asked.command.keys));
                asked.ok(server, Found { numbers, mod_seq })?;
            }
            Err(error) => asked.no(server, error.refusal())?,
        }
        Ok(())
    }

    pub(super) async fn thread(&mut self, asked: Asked<Thread>) -> Outcome {
        let Some(ground) = self.ground().await? else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let (command, addressing) = (&asked.command, asked.addressing);
        let work = async {
            let found = ground.find(&command.charset, &command.keys).await?;
            let overviews = ground.overviews(&found).await?;
            let algorithm = command.algorithm.clone();
            let threads =
                blocking(move || thread::thread(&entries(addressing, &found, &overviews), &algorithm));
            Ok::<_, Unsearched>(threads.await?)
        };
        let threads = self.patiently(&asked, &ground.progress, Box::pin(work)).await?;
        self.sync().await?;
        let server = self.connection.machine();
        match threads {
            Ok(Some(threads)) => asked.ok(server, threads)?,
            Ok(None) => asked.no(server, Refusal::cannot())?,
            Err(error) => asked.no(server, error.refusal())?,
        }
        Ok(())
    }
}

impl Ground {
    async fn find(&self, charset: &AString, keys: &[SearchKey]) -> Result<Vec<Match>, Unsearched> {
        let command = SearchCommand { returns: None, charset: Some(charset.clone()), keys: keys.to_vec() };
        self.look.find(&command, &self.progress).await
    }

    /// The overviews of what was found, in its order. Those that were not known are read, and kept for the next time.
    async fn overviews(&self, found: &[Match]) -> Result<Vec<Arc<Overview>>, StoreError> {
        let Self { look, open, index, progress } = self;
        let known = open.overviews();
        let missing: BTreeSet<BlobId> =
            found.iter().map(|found| found.blob).filter(|blob| known.of(*blob).is_none()).collect();
        let missing: Vec<BlobId> = missing.into_iter().collect();
        progress.expect(missing.len());
        let mut new: Vec<(BlobId, Arc<Overview>)> = Vec::with_capacity(missing.len());
        let mut batches = missing.chunks(BATCH);
        let mut stored = Stored::read(look, batches.next()).await?;
        while let Some(batch) = stored {
            // While one is decoded the next is read.
            let count = batch.blobs.len();
            let (decoded, next) = tokio::join!(batch.decode(look), Stored::read(look, batches.next()));
            new.extend(decoded?);
            progress.add(count);
            stored = next?;
        }
        let all = if new.is_empty() {
            known
        } else {
            // Of what is in the mailbox; what went from it goes from here as well.
            let kept = look.picture.rows().map(|(_, row)| row.blob);
            new.extend(kept.filter_map(|blob| Some((blob, Arc::clone(known.of(blob)?)))));
            let all = Arc::new(Overviews::new(new));
            index.keep_overviews(open, &all);
            all
        };
        let none = Arc::new(Overview::default());
        Ok(found.iter().map(|found| Arc::clone(all.of(found.blob).unwrap_or(&none))).collect())
    }
}

/// Whether the index has what a criterion compares.
fn is_in_index(criterion: &SortCriterion) -> bool {
    matches!(criterion.key, SortKey::Arrival | SortKey::Size)
}

fn has_mod_seq(keys: &[SearchKey]) -> bool {
    keys.iter().any(|key| matches!(key, SearchKey::ModSeq(_)))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)
}

/// What the client calls each message, ascending, and its UID.
fn uids_by_number(addressing: Addressing, found: &[Match]) -> Vec<(NonZeroU32, NonZeroU32)> {
    let both = |found: &Match| Some((found.number(addressing), NonZeroU32::new(found.uid)?));
    found.iter().filter_map(both).collect()
}

fn entries<'a>(addressing: Addressing, found: &[Match], overviews: &'a [Arc<Overview>]) -> Vec<Entry<'a>> {
    let entry = |(found, overview): (&Match, &'a Arc<Overview>)| Entry {
        number: found.number(addressing),
        arrival: found.arrival,
        size: found.size,
        overview,
    };
    found.iter().zip(overviews).map(entry).collect()
}

/// Summaries as they are stored.
struct Stored<'a> {
    blobs: &'a [BlobId],
    summaries: Vec<Option<bytes::Bytes>>,
}

impl<'a> Stored<'a> {
    async fn read(look: &Look, blobs: Option<&'a [BlobId]>) -> Result<Option<Self>, StoreError> {
        let Some(blobs) = blobs else { return Ok(None) };
        Ok(Some(Self { blobs, summaries: look.store.summaries(blobs.to_vec()).await? }))
    }

    /// The overviews. A content that is gone has none.
    async fn decode(self, look: &Look) -> Result<Vec<(BlobId, Arc<Overview>)>, StoreError> {
        let pairs: Vec<_> = self.blobs.iter().copied().zip(self.summaries).collect();
        let decoded = blocking(move || {
            let decode = |(blob, octets): (BlobId, Option<bytes::Bytes>)| {
                let summary = octets.and_then(|octets| Summary::from_bytes(&octets));
                (blob, summary.map(|summary| Arc::new(summary.overview())))
            };
            pairs.into_iter().map(decode).collect::<Vec<_>>()
        });
        let mut overviews = Vec::with_capacity(self.blobs.len());
        for (blob, overview) in decoded.await? {
            match overview {
                Some(overview) => overviews.push((blob, overview)),
                None => {
                    let read = reading::summaries(&look.store, vec![blob]).await?;
                    let summary = read.into_iter().next().flatten();
                    overviews.extend(summary.map(|it| (blob, Arc::new(it.overview()))));
                }
            }
        }
        Ok(overviews)
    }
}

/// Summaries that are asked for and decoded at once.
const BATCH: usize = 500;
