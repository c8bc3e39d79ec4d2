//! Pictures of what is on air, for the duty desk: made when somebody looks,
//! by a worker, since the server never decodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::base::{ChannelId, WorkerProcess};
use crate::channel::{Headers, Rendition, Window, media_playlist};
use crate::hls::Address;
use crate::hls::wire::{StillJob, StillLine};

use super::{Channels, MediaSources, Segments};

/// Longest time for one picture; what takes longer never comes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Height of a picture.
const HEIGHT: u32 = 180;

/// The newest picture of a channel.
#[derive(Debug)]
struct Made {
    /// The segment it is of.
    uri: String,
    /// None: there is none to be had of this segment.
    jpeg: Option<Bytes>,
}

/// Makes and keeps one picture per channel.
#[derive(Debug)]
pub struct Stills {
    folder: PathBuf,
    channels: Arc<Channels>,
    sources: Arc<MediaSources>,
    segments: Arc<Segments>,
    made: Mutex<BTreeMap<ChannelId, Made>>,
    /// One picture at a time; the worker ends by itself when nobody looks any more.
    worker: tokio::sync::Mutex<Option<WorkerProcess>>,
}

impl Stills {
    /// `folder` holds what is being looked at while it is.
    pub fn new(
        folder: PathBuf,
        channels: Arc<Channels>,
        sources: Arc<MediaSources>,
        segments: Arc<Segments>,
    ) -> Self {
        Self {
            folder,
            channels,
            sources,
            segments,
            made: Mutex::default(),
            worker: tokio::sync::Mutex::default(),
        }
    }

    /// The picture with which the newest listed segment of a channel begins, a JPEG.
    pub async fn of(&self, id: &ChannelId, now: Timestamp) -> Option<Bytes> {
        let (map, uri) = self.newest(id, now)?;
        if let Some(made) = self.known(id, &uri) {
            return made;
        }
        let mut worker = self.worker.lock().await;
        // Others waited for the same.
        if let Some(made) = self.known(id, &uri) {
            return made;
        }
        let jpeg = match self.make(&mut worker, id, &map, &uri).await {
            Ok(jpeg) => Some(jpeg),
            Err(error) => {
                // Whatever it is at, the next picture is made by another.
                *worker = None;
                tracing::warn!(channel = %id, error, "no picture could be taken of what is on air");
                None
            }
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(id.clone(), Made { uri, jpeg: jpeg.clone() });
        jpeg
    }

    fn known(&self, id: &ChannelId, uri: &str) -> Option<Option<Bytes>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(id).filter(|m| m.uri == uri).map(|m| m.jpeg.clone())
    }

    /// Initialisation and media of the newest segment in the smallest picture.
    fn newest(&self, id: &ChannelId, now: Timestamp) -> Option<(String, String)> {
        let channel = self.channels.get(id)?;
        let height = &channel.lineup.rungs.last()?.height;
        let way = ("", Headers::Apart);
        let (timeline, rendition) = (channel.timeline(), Rendition::Video(*height));
        let playlist =
            media_playlist(&timeline, &*self.sources, &channel.lineup, &rendition, Window::Live, now, way)?;
        let last = playlist.segments.last()?;
        Some((last.map.clone()?, last.uri.clone()))
    }

    async fn make(
        &self,
        worker: &mut Option<WorkerProcess>,
        id: &ChannelId,
        map: &str,
        uri: &str,
    ) -> Result<Bytes, String> {
        let mut mp4 = Vec::new();
        for part in [map, uri] {
            let address = Address::parse(part).ok_or("an address of ours cannot be read")?;
            let segment = self.segments.get(&address).await.map_err(|e| e.to_string())?;
            mp4.extend_from_slice(&segment.bytes);
        }
        let file = |end: &str| self.folder.join(format!("{id}.{end}"));
        let job = StillJob { mp4: file("mp4"), jpeg: file("jpg"), height: HEIGHT };
        let said = |path: &Path| {
            let path = path.display().to_string();
            move |e: std::io::Error| format!("{path}: {e}")
        };
        tokio::fs::create_dir_all(&self.folder).await.map_err(said(&self.folder))?;
        tokio::fs::write(&job.mp4, mp4).await.map_err(said(&job.mp4))?;
        let answer = tokio::time::timeout(PATIENCE, ask(worker, &job)).await;
        // It is of no use to anybody; what stays is written over next time.
        let _ = tokio::fs::remove_file(&job.mp4).await;
        answer.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))??;
        tokio::fs::read(&job.jpeg).await.map(Bytes::from).map_err(said(&job.jpeg))
    }
}

async fn ask(worker: &mut Option<WorkerProcess>, job: &StillJob) -> Result<(), String> {
    let line = WorkerProcess::ask(worker, "still", job).await.map_err(|e| e.to_string())?;
    match serde_json::from_str(&line) {
        Ok(StillLine::Done) => Ok(()),
        Ok(StillLine::Failed { message }) => Err(message),
        Err(error) => Err(error.to_string()),
    }
}
