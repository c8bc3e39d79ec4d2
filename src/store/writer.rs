//! The one writer: jobs are gathered and committed together.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, journal};

/// Runs after the commit, with its outcome.
type Ack = Box<dyn FnOnce(bool) + Send>;

enum Job {
    /// Runs inside the commit; returns what tells its caller.
    Any(Box<dyn FnOnce(&Connection) -> Ack + Send>),
    /// A line of the journal: what there is most of, a single statement, which
    /// needs no savepoint since SQLite undoes it alone if it fails.
    Line { session: String, line: String, tell: oneshot::Sender<Result<(), StoreError>> },
}

impl Job {
    fn run(self, connection: &Connection) -> Ack {
        match self {
            Self::Any(job) => job(connection),
            Self::Line { session, line, tell } => {
                let result = journal::append(connection, &session, &line);
                Box::new(move |committed| {
                    // A caller that went away needs no answer.
                    let _ = tell.send(if committed { result } else { Err(StoreError::Closed) });
                })
            }
        }
    }
}

/// Most jobs in one commit.
const BATCH: usize = 256;

/// Owns the writing thread and joins it.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Self {
        let (jobs, queue) = mpsc::channel(1024);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || run(&connection, queue))
            .expect("the system can start a thread");
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let job = Box::new(move |connection: &Connection| {
            let result = in_savepoint(connection, job);
            let ack: Ack = Box::new(move |committed| {
                let result = if committed { result } else { Err(StoreError::Closed) };
                // A caller that went away needs no answer.
                let _ = tell.send(result);
            });
            ack
        });
        self.send(Job::Any(job)).await?;
        told.await.map_err(|_| StoreError::Closed)?
    }

    /// Appends a line to the journal.
    pub(super) async fn append(&self, session: String, line: String) -> Result<(), StoreError> {
        let (tell, told) = oneshot::channel();
        self.send(Job::Line { session, line, tell }).await?;
        told.await.map_err(|_| StoreError::Closed)?
    }

    async fn send(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).await.map_err(|_| StoreError::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// One job's failure must not undo its neighbours in the same commit.
fn in_savepoint<T>(
    connection: &Connection,
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("savepoint job")?;
    let result = job(connection);
    connection.execute_batch(if result.is_ok() { "release job" } else { "rollback to job; release job" })?;
    result
}

fn run(connection: &Connection, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        if let Err(error) = connection.execute_batch("begin immediate") {
            // Without it each job would be committed by itself, and its caller told that it was not.
            tracing::error!(%error, "the store could not begin a write");
            continue;
        }
        let mut acks = vec![first.run(connection)];
        while acks.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            acks.push(job.run(connection));
        }
        let committed = connection.execute_batch("commit").is_ok();
        if !committed {
            tracing::error!("the store could not commit {} writes: is the disk full?", acks.len());
            let _ = connection.execute_batch("rollback");
        }
        for ack in acks {
            ack(committed);
        }
    }
}
