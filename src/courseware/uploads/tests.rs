//! What happens to uploads, made up.

use proptest::prelude::*;
use sha1::{Digest as _, Sha1};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

struct Office {
    media: tempfile::TempDir,
    owner: AccountId,
}

impl Office {
    fn new() -> Self {
        Self {
            media: tempfile::tempdir().expect("a folder"),
            owner: AccountId::new("aygul").expect("a name"),
        }
    }

    /// As after a start of the server.
    fn uploads(&self) -> Uploads {
        let limits = UploadLimits { largest: 1 << 20, kept_for: HOUR, least_free: 0 };
        let library = Library::open(&self.media.path().join("library")).expect("a library");
        Uploads::new(self.media.path(), library, limits)
    }

    fn inbox(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.media.path().join("inbox").join(name)).ok()
    }

    async fn begin(&self, uploads: &Uploads, id: u8, bytes: &[u8]) -> Result<Upload, UploadError> {
        let sha256 = Some(hex::encode(sha2::Sha256::digest(bytes)));
        let wish = Wish { name: "grapes.mp4".to_owned(), sha256, titles: Default::default(), again: false };
        uploads.begin([id; 16], (bytes.len() as u64, wish, "said".to_owned()), &self.owner, now()).await
    }
}

fn now() -> Timestamp {
    // Files carry the system's time.
    crate::base::SystemClock::new().now()
}

/// What a client does next.
#[derive(Debug, Clone)]
enum Act {
    /// Sends so many bytes; of those with a sum, `Some(false)` is a wrong one.
    Send { most: usize, sum: Option<bool> },
    /// The line breaks after so many.
    Break { most: usize, sum: bool },
    /// The server is killed after so many.
    Kill { most: usize, sum: bool },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let most = 0..40_000usize;
    let act = prop_oneof![
        4 => (most.clone(), prop::option::of(prop::bool::weighted(0.8))).prop_map(|(most, sum)| Act::Send { most, sum }),
        1 => (most.clone(), any::<bool>()).prop_map(|(most, sum)| Act::Break { most, sum }),
        1 => (most, any::<bool>()).prop_map(|(most, sum)| Act::Kill { most, sum }),
    ];
    prop::collection::vec(act, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever breaks, what was acknowledged is there, and what arrives is the file.
    #[test]
    fn nothing_is_lost_and_nothing_is_wrong(bytes in prop::collection::vec(any::<u8>(), 0..100_000), acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let office = Office::new();
            let mut uploads = office.uploads();
            let id = office.begin(&uploads, 1, &bytes).await.expect("begun").id;
            let mut acknowledged = 0;
            for act in acts {
                let here = uploads.look(&id, &office.owner).await.expect("there");
                prop_assert!(here.offset >= acknowledged, "{} of {acknowledged}", here.offset);
                if here.is_whole() {
                    break;
                }
                let from = here.offset as usize;
                let (Act::Send { most, .. } | Act::Break { most, .. } | Act::Kill { most, .. }) = act;
                let sent = &bytes[from..(from + most).min(bytes.len())];
                let right: [u8; 20] = Sha1::digest(sent).into();
                let sum = match act {
                    Act::Send { sum, .. } => sum.map(|ok| Checksum::Sha1(if ok { right } else { [0; 20] })),
                    Act::Break { sum, .. } | Act::Kill { sum, .. } => sum.then_some(Checksum::Sha1(right)),
                };
                let mut writer = uploads.write(&id, &office.owner, (here.offset, sum)).await.expect("writes");
                for piece in sent.chunks(7000) {
                    writer.add(piece).await.expect("added");
                }
                match act {
                    Act::Send { sum: Some(false), .. } => {
                        let refused = writer.finish(true).await;
                        prop_assert!(matches!(refused, Err(UploadError::Changed)));
                    }
                    Act::Send { .. } => acknowledged = writer.finish(true).await.expect("kept").offset,
                    Act::Break { .. } => {
                        // Nobody hears what becomes of it.
                        let _ = writer.finish(false).await;
                    }
                    Act::Kill { .. } => {
                        writer.flush().await.expect("some of it is written");
                        // Nothing is written by a server that was killed.
                        writer.file.flush().await.expect("it is written");
                        drop(writer);
                        uploads = office.uploads();
                        uploads.sweep(now()).await.expect("as at every start");
                    }
                }
                let whole = uploads.list(&office.owner).await.expect("a list")[0].is_whole();
                prop_assert_eq!(office.inbox("grapes.mp4").is_some(), whole);
            }
            let here = uploads.look(&id, &office.owner).await.expect("there");
            if !here.is_whole() {
                let mut writer = uploads.write(&id, &office.owner, (here.offset, None)).await.expect("writes");
                writer.add(&bytes[here.offset as usize..]).await.expect("added");
                prop_assert!(writer.finish(true).await.expect("kept").is_whole());
            }
            prop_assert_eq!(office.inbox("grapes.mp4"), Some(bytes.clone()));
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn who_comes_later_goes_on() {
    let office = Office::new();
    let uploads = office.uploads();
    let id = office.begin(&uploads, 1, b"grapes").await.expect("begun").id;
    let mut first = uploads.write(&id, &office.owner, (0, None)).await.expect("writes");
    first.add(b"gra").await.expect("added");
    let second = {
        let (uploads, id, owner) = (uploads.clone(), id.clone(), office.owner.clone());
        tokio::spawn(async move { uploads.look(&id, &owner).await })
    };
    first.superseded().await;
    first.finish(false).await.expect("what came is kept");
    assert_eq!(second.await.expect("a look").expect("there").offset, 3);
}

#[tokio::test]
async fn another_persons_upload_is_none() {
    let office = Office::new();
    let uploads = office.uploads();
    let id = office.begin(&uploads, 0xab, b"grapes").await.expect("begun").id;
    let other = AccountId::new("bahar").expect("a name");
    assert!(matches!(uploads.look(&id, &other).await, Err(UploadError::Unknown)));
    assert!(matches!(uploads.end(&id, &other).await, Err(UploadError::Unknown)));
    assert!(uploads.list(&other).await.expect("a list").is_empty());
    for id in ["", "..", "../../county", &id.to_uppercase()] {
        assert!(matches!(uploads.look(id, &office.owner).await, Err(UploadError::Unknown)), "{id}");
    }
}

#[tokio::test]
async fn what_cannot_be_taken_is_said_before_it_comes() {
    let office = Office::new();
    let uploads = office.uploads();
    let large = office.begin(&uploads, 1, &vec![0; (1 << 20) + 1]).await;
    assert!(matches!(large, Err(UploadError::TooLarge { .. })));
    let limits = UploadLimits { least_free: u64::MAX / 2, ..uploads.limits() };
    let full = Uploads::new(office.media.path(), uploads.library.clone(), limits);
    assert!(matches!(office.begin(&full, 1, b"grapes").await, Err(UploadError::NoRoom { .. })));
    fs::create_dir_all(office.media.path().join("inbox")).expect("an inbox");
    fs::write(office.media.path().join("inbox/grapes.mp4"), "another").expect("dropped");
    assert!(matches!(office.begin(&uploads, 1, b"grapes").await, Err(UploadError::NameTaken(_))));
}

#[tokio::test]
async fn bytes_that_are_another_files_are_not_taken() {
    let office = Office::new();
    let uploads = office.uploads();
    let id = office.begin(&uploads, 1, b"grapes").await.expect("begun").id;
    let mut writer = uploads.write(&id, &office.owner, (0, None)).await.expect("writes");
    assert!(matches!(writer.add(b"grapes and more").await, Err(UploadError::TooMuch)));
    writer.add(b"grapez").await.expect("added");
    assert!(matches!(writer.finish(true).await, Err(UploadError::Wrong)));
    assert_eq!(office.inbox("grapes.mp4"), None);
    assert!(matches!(uploads.look(&id, &office.owner).await, Err(UploadError::Unknown)));
}

#[tokio::test]
async fn what_nobody_goes_on_with_goes() {
    let office = Office::new();
    let uploads = office.uploads();
    let id = office.begin(&uploads, 1, b"grapes").await.expect("begun").id;
    uploads.sweep(now() + jiff::SignedDuration::from_mins(59)).await.expect("swept");
    uploads.look(&id, &office.owner).await.expect("still there");
    uploads.sweep(now() + jiff::SignedDuration::from_mins(61)).await.expect("swept");
    assert!(matches!(uploads.look(&id, &office.owner).await, Err(UploadError::Unknown)));
    assert_eq!(fs::read_dir(office.media.path().join("uploads")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_crash_between_two_steps_takes_nothing_twice() {
    let office = Office::new();
    let uploads = office.uploads();
    let id = office.begin(&uploads, 1, b"grapes").await.expect("begun").id;
    let part = office.media.path().join(format!("uploads/{id}.part"));
    fs::write(&part, b"grapes").expect("written");
    // It was linked into the inbox, and taken from there; then the power failed.
    fs::create_dir_all(office.media.path().join("originals")).expect("a folder");
    fs::hard_link(&part, office.media.path().join("originals/grapes.mp4")).expect("linked");
    assert!(uploads.look(&id, &office.owner).await.expect("there").is_whole());
    assert_eq!(office.inbox("grapes.mp4"), None);
    assert!(!part.exists());
}
