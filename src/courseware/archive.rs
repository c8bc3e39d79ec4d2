//! What is in an archive. This runs in a confined process: anybody may have made it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::hls::{Reason, decode_text};

use super::inbox::{is_in_archive, makes_lesson};

/// An archive that is to be taken apart.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct UnpackJob {
    /// The archive.
    pub input: PathBuf,
    /// The folder for what is in it.
    pub out: PathBuf,
    /// No more bytes than these.
    pub most: u64,
}

/// The answer to an [`UnpackJob`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum UnpackLine {
    /// So many files lie in the folder, and so many are none that are taken.
    Unpacked {
        /// Files that belong to lessons.
        taken: usize,
        /// Others.
        left: usize,
    },
    /// It is not taken.
    Refused {
        /// Why.
        reason: Reason,
    },
}

/// Files of one archive.
const MOST_FILES: usize = 2000;
/// Longest name, bytes: what a folder holds, with room for a lesson's name before a document's.
const LONGEST: usize = 200;

/// Takes what belongs to lessons out of an archive.
pub fn unpack(job: &UnpackJob) -> UnpackLine {
    let refused = |reason| UnpackLine::Refused { reason };
    match take_apart(job) {
        Ok((0, _)) => refused(Reason::NothingInArchive),
        Ok((taken, left)) => UnpackLine::Unpacked { taken, left },
        // A method or a password that is not known here, but may be to who sent it.
        Err(ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_)) => {
            refused(Reason::Archive { kind: "ZIP".to_owned() })
        }
        Err(ZipError::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => {
            refused(Reason::LargeArchive)
        }
        Err(ZipError::Io(error)) if error.raw_os_error().is_some() => {
            refused(Reason::Server { detail: format!("{}: {error}", job.input.display()) })
        }
        Err(_) => refused(Reason::Damaged),
    }
}

fn take_apart(job: &UnpackJob) -> Result<(usize, usize), ZipError> {
    let mut archive = ZipArchive::new(File::open(&job.input)?)?;
    let mut entries = Vec::new();
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at)?;
        if entry.is_dir() {
            continue;
        }
        if entry.encrypted() {
            return Err(ZipError::UnsupportedArchive("a password"));
        }
        entries.push((at, Inside::named(&decode_text(entry.name_raw()))));
    }
    let all = entries.len();
    let inside: Vec<Inside> = entries.iter().filter_map(|(_, inside)| inside.clone()).collect();
    if inside.len() > MOST_FILES {
        return Err(too_large());
    }
    let mut names = names_for(&inside);
    let (mut room, mut taken) = (job.most, 0);
    for (at, inside) in entries {
        let Some(name) = inside.and_then(|inside| names.remove(&inside)) else { continue };
        // What it says of its length may be wrong: what comes is counted.
        let mut part = archive.by_index(at)?.take(room.saturating_add(1));
        let mut file = File::create_new(job.out.join(name))?;
        let written = io::copy(&mut part, &mut file)?;
        room = room.checked_sub(written).ok_or_else(too_large)?;
        file.sync_all()?;
        taken += 1;
    }
    Ok((taken, all - taken))
}

fn too_large() -> ZipError {
    ZipError::Io(io::ErrorKind::FileTooLarge.into())
}

/// A file in an archive that belongs to a lesson: its folder there, and its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Inside {
    folder: Vec<String>,
    name: String,
}

impl Inside {
    /// None: it is left where it is. Some programs write `\` between folders.
    fn named(path: &str) -> Option<Self> {
        let clean =
            |part: &str| part.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
        let mut folder: Vec<String> = path.split(['/', '\\']).map(clean).collect();
        let name = folder.pop()?;
        // What macOS keeps beside each file begins with a dot.
        let hidden = folder.iter().any(|part| part == "__MACOSX") || name.starts_with('.');
        folder.retain(|part| !part.is_empty() && !part.chars().all(|c| c == '.'));
        (!hidden && is_in_archive(Path::new(&name))).then_some(Self { folder, name })
    }

    fn path(&self) -> &Path {
        Path::new(&self.name)
    }
}

/// What each is called outside: by its own name where no other has it, else with its folders
/// before it; and a document behind the name of the one lesson of its folder, whose it is then.
fn names_for(all: &[Inside]) -> BTreeMap<Inside, String> {
    let mut seen = BTreeSet::new();
    let alike = all.iter().any(|inside| !seen.insert(inside.name.to_lowercase()));
    let outside = |inside: &Inside| match alike {
        true => inside.folder.iter().chain([&inside.name]).cloned().collect::<Vec<_>>().join(" "),
        false => inside.name.clone(),
    };
    let lesson_of = |folder: &Vec<String>| {
        let mut lessons = all.iter().filter(|i| &i.folder == folder && makes_lesson(i.path()));
        let only = lessons.next().filter(|_| lessons.next().is_none());
        only.map(|lesson| stem(&outside(lesson)).to_owned())
    };
    let named = |inside: &Inside| {
        let name = outside(inside);
        let document = super::papers::is_paper(inside.path());
        match lesson_of(&inside.folder).filter(|_| document) {
            Some(lesson) if !name.starts_with(&format!("{lesson}.")) => format!("{lesson}.{name}"),
            _ => name,
        }
    };
    let mut used = BTreeSet::new();
    let mut names = BTreeMap::new();
    for inside in all {
        let name = shortened(&named(inside));
        // Two of one name in one folder: the archive was made by hand; the first is taken.
        if used.insert(name.to_lowercase()) {
            names.insert(inside.clone(), name);
        }
    }
    names
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// At most [`LONGEST`] bytes, the end kept: it says what the file is.
fn shortened(name: &str) -> String {
    let mut from = name.len().saturating_sub(LONGEST);
    while !name.is_char_boundary(from) {
        from += 1;
    }
    name[from..].trim_start_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// A part: its name as bytes, and what is in it.
    type Part<'a> = (&'a [u8], &'a [u8]);

    /// An archive as the programs of an office make it: names in whatever code, without a flag
    /// that says which. Parts are stored (APPNOTE 6.3.10 §4.3).
    fn archive(parts: &[Part<'_>]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        let two = |n: usize| u16::try_from(n).expect("it is short").to_le_bytes();
        let four = |n: usize| u32::try_from(n).expect("it is short").to_le_bytes();
        for (name, content) in parts {
            let mut crc = flate2::Crc::new();
            crc.update(content);
            let common = [
                &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
                &crc.sum().to_le_bytes(),
                &four(content.len()),
                &four(content.len()),
                &two(name.len()),
                &[0, 0],
            ]
            .concat();
            directory.extend_from_slice(b"PK\x01\x02\x14\0");
            directory.extend_from_slice(&common);
            directory.extend_from_slice(&[0; 10]);
            directory.extend_from_slice(&four(bytes.len()));
            directory.extend_from_slice(name);
            bytes.extend_from_slice(b"PK\x03\x04");
            bytes.extend_from_slice(&common);
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(content);
        }
        let at = bytes.len();
        bytes.extend_from_slice(&directory);
        bytes.extend_from_slice(b"PK\x05\x06\0\0\0\0");
        bytes.extend_from_slice(&[two(parts.len()), two(parts.len())].concat());
        bytes.extend_from_slice(&[four(directory.len()), four(at)].concat());
        bytes.extend_from_slice(&[0, 0]);
        bytes
    }

    /// What is said of it, and what lies in the folder then.
    fn unpacked(bytes: &[u8], most: u64) -> (UnpackLine, BTreeMap<String, Vec<u8>>) {
        let folder = tempfile::tempdir().expect("a folder");
        let (input, out) = (folder.path().join("a.zip"), folder.path().join("out"));
        std::fs::create_dir(&out).expect("a folder");
        std::fs::write(&input, bytes).expect("written");
        let line = unpack(&UnpackJob { input, out: out.clone(), most });
        let all = std::fs::read_dir(&out).expect("the folder").map(|e| e.expect("a file"));
        let named = all.map(|e| {
            let name = e.file_name().into_string().expect("UTF-8");
            (name, std::fs::read(e.path()).expect("its bytes"))
        });
        let files = named.collect();
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 2, "nothing beside it");
        (line, files)
    }

    fn gbk(text: &str) -> Vec<u8> {
        encoding_rs::GBK.encode(text).0.into_owned()
    }

    #[test]
    fn chinese_names_are_read_in_whichever_code_they_were_written() {
        let film = gbk("课程\\葡萄修剪.mp4");
        let subtitles = gbk("课程\\葡萄修剪.ug-Arab.srt");
        let parts: [Part<'_>; 6] = [
            (&film, b"film"),
            (&subtitles, b"words"),
            ("课程/讲义 第1课.pdf".as_bytes(), b"%PDF-"),
            (b"readme.exe", b"MZ"),
            (b"__MACOSX/._x.mp4", b"junk"),
            (b"../../etc/cron.d/film.mp4", b"a path that leads out"),
        ];
        let (line, files) = unpacked(&archive(&parts), 1000);
        assert_eq!(line, UnpackLine::Unpacked { taken: 4, left: 2 });
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let own = "葡萄修剪.讲义 第1课.pdf";
        assert_eq!(names, ["film.mp4", "葡萄修剪.mp4", "葡萄修剪.ug-Arab.srt", own]);
        assert_eq!(files["葡萄修剪.mp4"], b"film");
    }

    #[test]
    fn what_is_called_alike_in_two_folders_keeps_their_names() {
        let parts: [Part<'_>; 4] = [
            (b"1/film.mp4", b"1"),
            (b"2/film.mp4", b"2"),
            (b"2/film.ug-Arab.srt", b"s"),
            (b"2/notes.pdf", b"p"),
        ];
        let (_, files) = unpacked(&archive(&parts), 1000);
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["1 film.mp4", "2 film.2 notes.pdf", "2 film.mp4", "2 film.ug-Arab.srt"]);
    }

    #[test]
    fn what_is_none_says_so() {
        let refused = |bytes: &[u8], most| match unpacked(bytes, most) {
            (UnpackLine::Refused { reason }, _) => reason,
            (line, _) => panic!("{line:?}"),
        };
        assert_eq!(refused(&archive(&[(b"a.exe", b"MZ")]), 100), Reason::NothingInArchive);
        assert_eq!(refused(&archive(&[]), 100), Reason::NothingInArchive);
        assert_eq!(refused(b"Rar!", 100), Reason::Damaged);
        let good = archive(&[(b"a.mp4", b"0123456789"), (b"b.mp4", b"0123456789")]);
        assert_eq!(refused(&good[..good.len() - 30], 100), Reason::Damaged);
        assert_eq!(refused(&good, 19), Reason::LargeArchive);
        assert_eq!(unpacked(&good, 20).1.len(), 2);
        let mut changed = good.clone();
        changed[35 + 5] ^= 1;
        assert_eq!(refused(&changed, 100), Reason::Damaged, "its sum is another");
        // The first bit of the flags: a password.
        let mut locked = good.clone();
        let central = good.windows(4).position(|w| w == b"PK\x01\x02").expect("the directory");
        locked[central + 8] |= 1;
        locked[6] |= 1;
        assert!(matches!(refused(&locked, 100), Reason::Archive { .. } | Reason::Damaged));
        // Ten megabytes of zeros in ten kilobytes.
        let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        bomb.start_file("a.mp4", zip::write::SimpleFileOptions::default()).expect("a part");
        bomb.write_all(&vec![0; 10 << 20]).expect("written");
        assert_eq!(refused(&bomb.finish().expect("an archive").into_inner(), 1 << 20), Reason::LargeArchive);
    }

    proptest! {
        #[test]
        fn whatever_an_archive_holds_lands_in_its_folder(
            parts in prop::collection::vec(("(\\.\\./|[a-z]{1,3}[/\\\\]){0,3}[a-c葡]{1,2}\\.(mp4|pdf|exe|srt)", ".{0,8}"), 0..8),
            broken in prop::option::of((0.0..1.0_f64, any::<u8>())),
        ) {
            let parts: Vec<(Vec<u8>, Vec<u8>)> =
                parts.into_iter().map(|(name, content)| (gbk(&name), content.into_bytes())).collect();
            let parts: Vec<Part<'_>> = parts.iter().map(|(n, c)| (n.as_slice(), c.as_slice())).collect();
            let mut bytes = archive(&parts);
            if let Some((at, byte)) = broken {
                let at = (bytes.len() as f64 * at) as usize;
                bytes[at] = byte;
            }
            let (line, files) = unpacked(&bytes, 1000);
            if let UnpackLine::Unpacked { taken, .. } = line {
                prop_assert_eq!(files.len(), taken);
            }
            for name in files.keys() {
                prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\']), "{}", name);
            }
        }
    }
}
