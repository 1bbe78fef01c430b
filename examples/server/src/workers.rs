//! Work that takes a core and megabytes of memory, such as checking a password or reading a large message. It is done
//! on as many threads as there are cores, which stay.
//!
//! The threads that tokio has for blocking work would do it in more memory: what a thread has freed, the allocator of
//! the C library keeps near that thread, tens of megabytes once blocks of that size have been used, and each of the many
//! threads is the next one at some time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Threads for one kind of work. Clones share them; they end when the last is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Workers(Sender<Job>);

type Job = Box<dyn FnOnce() + Send>;

impl Workers {
    /// Starts the threads, which are called `name`.
    pub(crate) fn start(name: &str) -> Self {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..cores() {
            let queue = Arc::clone(&queue);
            let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || work(&queue));
            if let Err(error) = started {
                tracing::error!(%error, name, "a thread could not be started");
            }
        }
        Self(jobs)
    }

    /// Does some work when a thread has time for it, unless nobody waits for it any more then. `None` when it has
    /// panicked, or when there are no threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job = move || {
            if !reply.is_closed() {
                // Who has gone meanwhile does not mind.
                let _ = reply.send(work());
            }
        };
        self.0.send(Box::new(job)).ok()?;
        answer.await.ok()
    }
}

/// How much work is done at a time.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // Held while it waits: the others wait for the lock then, which is the same.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // What panics is this work alone, and the log has it already.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_own_work_only() {
        let workers = Workers::start("test");
        for _ in 0..2 * cores() {
            assert_eq!(workers.run(|| -> u32 { panic!("a bad message") }).await, None);
        }
        assert_eq!(workers.run(|| 1).await, Some(1));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_done() {
        let workers = Workers::start("test");
        let (go, wait) = channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let busy: Vec<_> = (0..cores())
            .map(|_| {
                let (workers, wait) = (workers.clone(), Arc::clone(&wait));
                tokio::spawn(async move { workers.run(move || wait.lock().unwrap().recv().is_err()).await })
            })
            .collect();
        // Each of them is sent before the first that follows.
        tokio::task::yield_now().await;
        let (done, was_done) = channel();
        let mut abandoned = Box::pin(workers.run(move || done.send(())));
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(
                abandoned.as_mut().poll(context).is_pending()
            ))
            .await
        );
        drop(abandoned);
        drop(go);
        for task in busy {
            assert_eq!(task.await.unwrap(), Some(true));
        }
        assert_eq!(workers.run(|| 1).await, Some(1));
        assert!(was_done.recv().is_err());
    }
}
