//! What happens to uploads, made up.

use std::time::Duration;

use proptest::prelude::*;
use sha1::{Digest as _, Sha1};

use super::*;
use crate::base::Clock as _;

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
        let limits = UploadLimits { largest: 1 << 20, per_day: 64 << 20, kept_for: HOUR, least_free: 0 };
        let library = Library::open(&self.media.path().join("library")).expect("a library");
        Uploads::new(self.media.path(), library, limits)
    }

    fn inbox(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.media.path().join("inbox").join(name)).ok()
    }

    async fn begin(&self, uploads: &Uploads, id: u8, bytes: &[u8]) -> Result<Upload, UploadError> {
        let sha256 = Some(hex::encode(sha2::Sha256::digest(bytes)));
        let wish = Wish { name: "grapes.mp4".to_owned(), sha256, titles: Default::default(), again: false };
        uploads.begin([id; 16], (bytes.len() as u64, wish, "said".to_owned()), (&self.owner, ""), now()).await
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
    let full = Uploads::new(office.media.path(), uploads.shelf.library.clone(), limits);
    assert!(matches!(office.begin(&full, 1, b"grapes").await, Err(UploadError::NoRoom { .. })));
    fs::create_dir_all(office.media.path().join("inbox")).expect("an inbox");
    fs::write(office.media.path().join("inbox/grapes.mp4"), "another").expect("dropped");
    assert!(matches!(office.begin(&uploads, 1, b"grapes").await, Err(UploadError::NameTaken(_))));
}

#[tokio::test]
async fn nobody_uploads_more_than_a_days_worth() {
    let office = Office::new();
    let limits = UploadLimits { per_day: 10, ..office.uploads().limits() };
    let uploads = Uploads::new(office.media.path(), office.uploads().shelf.library.clone(), limits);
    let begin = async |id: u8, length: u64, owner: &AccountId, at: Timestamp| {
        let (name, titles) = (format!("film-{id}.mp4"), Default::default());
        let wish = Wish { name, sha256: None, titles, again: false };
        uploads.begin([id; 16], (length, wish, "said".to_owned()), (owner, ""), at).await
    };
    let (first, hour) = (now(), SignedDuration::from_hours(1));
    begin(1, 6, &office.owner, first).await.expect("begun");
    begin(2, 4, &office.owner, first + hour).await.expect("exactly as much as there may be");
    match begin(3, 5, &office.owner, first + 2 * hour).await {
        Err(UploadError::MuchToday { done: 10, most: 10, wait }) => assert_eq!(wait, 22 * 3600),
        other => panic!("{other:?}"),
    }
    let other = AccountId::new("other").expect("a name");
    begin(4, 5, &other, first + 2 * hour).await.expect("it is another person's day");
    begin(3, 5, &office.owner, first + 24 * hour).await.expect("the next day");
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
    let inbox = |name: &str| office.media.path().join("inbox").join(name);
    // What lies where when the power fails, and what is in the inbox afterwards.
    for (at, step) in
        ["whole", "beside its place", "in its place", "in its place, and packaged"].into_iter().enumerate()
    {
        let bytes = format!("grapes {at}");
        let id = office.begin(&uploads, at as u8, bytes.as_bytes()).await.expect("begun").id;
        let part = office.media.path().join(format!("uploads/{id}.part"));
        fs::write(&part, &bytes).expect("written");
        fs::create_dir_all(inbox("")).expect("an inbox");
        match at {
            0 => {}
            1 => fs::rename(&part, inbox(&format!(".{id}.part"))).expect("moved"),
            2 => fs::rename(&part, inbox("grapes.mp4")).expect("moved"),
            _ => fs::remove_file(&part).expect("moved"),
        }
        office.uploads().sweep(now()).await.expect("as at every start");
        assert!(uploads.look(&id, &office.owner).await.expect("there").is_whole(), "{step}");
        let expected = (at < 3).then(|| bytes.into_bytes());
        assert_eq!(office.inbox("grapes.mp4"), expected, "{step}");
        assert_eq!(fs::read_dir(inbox("")).expect("an inbox").count(), usize::from(at < 3), "{step}");
        assert_eq!(uploads.arrivals().await.expect("a list").len(), 1, "{step}");
        uploads.noted(&id).await.expect("noted");
        assert!(uploads.arrivals().await.expect("a list").is_empty(), "it is told once");
        // It is packaged.
        let _ = fs::remove_file(inbox("grapes.mp4"));
    }
}

#[tokio::test]
async fn who_did_not_hear_that_it_began_begins_no_second() {
    let office = Office::new();
    let uploads = office.uploads();
    let first = office.begin(&uploads, 1, b"grapes").await.expect("begun").id;
    assert_eq!(office.begin(&uploads, 2, b"grapes").await.expect("begun").id, first);
    let mut writer = uploads.write(&first, &office.owner, (0, None)).await.expect("writes");
    writer.add(b"gra").await.expect("added");
    writer.finish(false).await.expect("kept");
    let told = office.begin(&uploads, 3, b"grapes").await;
    assert!(matches!(told, Err(UploadError::Begun(id)) if id == first));
    assert_eq!(uploads.list(&office.owner).await.expect("a list").len(), 1);
}

#[tokio::test]
async fn no_lesson_is_replaced_unasked() {
    let office = Office::new();
    let uploads = office.uploads();
    let wish =
        |name: &str, again| Wish { name: name.to_owned(), sha256: None, titles: Default::default(), again };
    let begin = async |id: u8, wish: Wish| {
        uploads.begin([id; 16], (6, wish, String::new()), (&office.owner, ""), now()).await
    };
    let id = begin(1, wish("grapes.mp4", false)).await.expect("begun").id;
    // While it is on its way, no other file may become the same lesson.
    assert!(matches!(begin(2, wish("Grapes.mkv", true)).await, Err(UploadError::NameTaken(_))));
    begin(3, wish("grapes.toml", false)).await.expect("its titles may");
    begin(4, wish("grapes.ug-Arab.m4a", false)).await.expect("its sound in a language may");
    // Somebody packages one of that name by hand meanwhile.
    let package = office.media.path().join("library/grapes");
    fs::create_dir_all(&package).expect("a folder");
    fs::write(package.join("package.json"), A_PACKAGE).expect("a package");
    uploads.shelf.library.reload().expect("read");
    let mut writer = uploads.write(&id, &office.owner, (0, None)).await.expect("writes");
    writer.add(b"grapes").await.expect("added");
    writer.finish(true).await.expect("whole");
    assert_eq!((office.inbox("grapes.mp4"), office.inbox("grapes-2.mp4")), (None, Some(b"grapes".to_vec())));
    assert!(matches!(begin(5, wish("grapes.avi", false)).await, Err(UploadError::Replaces(_))));
    begin(6, wish("grapes.avi", true)).await.expect("it was asked for");
}

/// Of a lesson; nothing of it is played.
const A_PACKAGE: &str = r#"{"version":1,"id":"grapes","content_hash":"","titles":{},"source_sha256":"","segments_us":[],
    "tracks":[],"subtitles":[],"poster":null,"source_loudness":[]}"#;
