//! What documents say of themselves. This runs in a confined process: anybody may have made them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::base::sha256_of;
use crate::hls::Reason;

/// A document that is to be looked at.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PaperJob {
    /// The file.
    pub input: PathBuf,
    /// The folder in which the picture of its first page is made, as `thumb`.
    pub out: PathBuf,
}

/// What was found in a document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Looked {
    /// The first part of its SHA-256.
    pub tag: String,
    /// Pages or slides, if that is known.
    pub pages: Option<u32>,
    /// There is a picture of its first page.
    pub thumbnail: bool,
}

/// The answer to a [`PaperJob`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "line", rename_all = "kebab-case")]
pub enum PaperLine {
    /// It is what its name says.
    Looked(Looked),
    /// It is not taken.
    Refused {
        /// Why.
        reason: Reason,
    },
}

/// The kinds that are taken: how names end, and what the files begin with.
const KINDS: [(&str, Begins); 15] = [
    ("pdf", Begins::Pdf),
    ("pptx", Begins::Zip),
    ("docx", Begins::Zip),
    ("xlsx", Begins::Zip),
    ("odp", Begins::Zip),
    ("odt", Begins::Zip),
    ("ods", Begins::Zip),
    ("ppt", Begins::Ole),
    ("doc", Begins::Ole),
    ("xls", Begins::Ole),
    ("jpg", Begins::With(&[0xff, 0xd8, 0xff])),
    ("jpeg", Begins::With(&[0xff, 0xd8, 0xff])),
    ("png", Begins::With(b"\x89PNG\r\n")),
    ("txt", Begins::Text),
    ("rtf", Begins::With(b"{\\rtf")),
];

#[derive(Debug, Clone, Copy)]
enum Begins {
    With(&'static [u8]),
    /// PDF: its mark may stand a little way in (ISO 32000-1 annex H.3.4.1).
    Pdf,
    Zip,
    /// The compound files of older Office.
    Ole,
    Text,
}

/// Of a part of an archive no more is read, however large it says it is.
const MOST_OF_A_PART: u64 = 4 << 20;
/// A program that looks at a document has so long.
const PATIENCE: Duration = Duration::from_secs(30);
const TICK: Duration = Duration::from_millis(50);

/// True if a file of this name may be attached to a lesson.
pub(super) fn is_paper(name: &Path) -> bool {
    kind(name).is_some()
}

fn kind(name: &Path) -> Option<Begins> {
    let ending = name.extension()?.to_str()?.to_lowercase();
    KINDS.iter().find(|(known, _)| *known == ending).map(|(_, begins)| *begins)
}

/// Looks at a document: whether it is what its name says, how many pages it has, and what the
/// first one looks like.
pub fn look_at(job: &PaperJob) -> PaperLine {
    match look(job) {
        Ok(Some(looked)) => PaperLine::Looked(looked),
        Ok(None) => {
            let ending = job.input.extension().map(|e| e.to_string_lossy().to_uppercase());
            PaperLine::Refused { reason: Reason::NotAsNamed { kind: ending.unwrap_or_default() } }
        }
        Err(error) => {
            let detail = format!("{}: {error}", job.input.display());
            PaperLine::Refused { reason: Reason::Server { detail } }
        }
    }
}

fn look(job: &PaperJob) -> std::io::Result<Option<Looked>> {
    let mut head = Vec::new();
    File::open(&job.input)?.take(8192).read_to_end(&mut head)?;
    let Some(begins) = kind(&job.input) else { return Ok(None) };
    let is_it = match begins {
        Begins::With(mark) => head.starts_with(mark),
        Begins::Pdf => head.windows(5).take(1024).any(|w| w == b"%PDF-"),
        Begins::Zip => head.starts_with(b"PK\x03\x04"),
        Begins::Ole => head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]),
        // UTF-16 begins with its mark.
        Begins::Text => !head.contains(&0) || head.starts_with(&[0xff, 0xfe]),
    };
    if !is_it || head.is_empty() {
        return Ok(None);
    }
    let thumb = job.out.join("thumb");
    let (pages, thumbnail) = match begins {
        Begins::Pdf => (pdf_pages(&job.input), pdf_thumbnail(&job.input, &thumb)),
        Begins::Zip => match office(&job.input, &thumb) {
            Some(found) => found,
            // Some other archive.
            None => return Ok(None),
        },
        _ => (None, false),
    };
    let tag = sha256_of(&job.input)?.get(..16).unwrap_or_default().to_owned();
    Ok(Some(Looked { tag, pages, thumbnail }))
}

/// By `pdfinfo` of Poppler, if it is there.
fn pdf_pages(file: &Path) -> Option<u32> {
    let said = run(Command::new("pdfinfo").arg(file))?;
    said.lines().find_map(|l| l.strip_prefix("Pages:"))?.trim().parse().ok()
}

/// By `pdftocairo` of Poppler, if it is there.
fn pdf_thumbnail(file: &Path, thumb: &Path) -> bool {
    let mut command = Command::new("pdftocairo");
    command.args(["-jpeg", "-singlefile", "-f", "1", "-l", "1", "-scale-to", "480"]).arg(file).arg(thumb);
    let made = thumb.with_extension("jpg");
    run(&mut command).is_some() && std::fs::rename(made, thumb).is_ok()
}

/// What a program says, if it ends well and in time.
fn run(command: &mut Command) -> Option<String> {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = silent.spawn().ok()?;
    let mut out = child.stdout.take()?;
    let heard = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = out.by_ref().take(1 << 20).read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut waited = Duration::ZERO;
    let ended_well = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status.success(),
            Ok(None) if waited < PATIENCE => {
                std::thread::sleep(TICK);
                waited += TICK;
            }
            _ => {
                // It has had its time.
                let _ = child.kill();
                let _ = child.wait();
                break false;
            }
        }
    };
    heard.join().ok().filter(|_| ended_well)
}

/// Pages and the picture that Office keeps in its files (ECMA-376 part 1 §22.2, OpenDocument 1.3
/// part 2 §4.3); none if it is no file of Office.
fn office(file: &Path, thumb: &Path) -> Option<(Option<u32>, bool)> {
    let mut archive = zip::ZipArchive::new(File::open(file).ok()?).ok()?;
    let mut part = |name: &str| {
        let mut bytes = Vec::new();
        let part = archive.by_name(name).ok()?;
        part.take(MOST_OF_A_PART).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let between = |text: &str, before: &str, after: &str| -> Option<u32> {
        text.split_once(before)?.1.split_once(after)?.0.trim().parse().ok()
    };
    let is_microsoft = part("[Content_Types].xml").is_some();
    if !is_microsoft && part("META-INF/manifest.xml").is_none() {
        return None;
    }
    let pages = match is_microsoft {
        true => part("docProps/app.xml").map(text).and_then(|t| {
            between(&t, "<Slides>", "</Slides>").or_else(|| between(&t, "<Pages>", "</Pages>"))
        }),
        false => part("meta.xml").map(text).and_then(|t| between(&t, "meta:page-count=\"", "\"")),
    };
    let mut pictures = ["docProps/thumbnail.jpeg", "Thumbnails/thumbnail.png"].into_iter().filter_map(part);
    let is_picture =
        |bytes: &Vec<u8>| bytes.starts_with(&[0xff, 0xd8, 0xff]) || bytes.starts_with(b"\x89PNG");
    let kept = pictures.find(is_picture).is_some_and(|bytes| std::fs::write(thumb, bytes).is_ok());
    Some((pages.filter(|n| *n > 0), kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn looked(folder: &Path, name: &str, bytes: &[u8]) -> PaperLine {
        let input = folder.join(name);
        std::fs::write(&input, bytes).expect("written");
        look_at(&PaperJob { input, out: folder.to_owned() })
    }

    fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a part");
            archive.write_all(bytes).expect("written");
        }
        archive.finish().expect("an archive").into_inner()
    }

    #[test]
    fn office_says_its_pages_and_shows_its_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let types = ("[Content_Types].xml", b"<Types/>".to_vec());
        let app = |text: &str| ("docProps/app.xml", text.as_bytes().to_vec());
        let picture = ("docProps/thumbnail.jpeg", vec![0xff, 0xd8, 0xff, 0xe0]);
        let slides = archive(&[types.clone(), app("<Properties><Slides>12</Slides></Properties>"), picture]);
        let PaperLine::Looked(found) = looked(folder.path(), "讲义.PPTX", &slides) else {
            panic!("slides")
        };
        assert_eq!((found.pages, found.thumbnail, found.tag.len()), (Some(12), true, 16));
        assert_eq!(std::fs::read(folder.path().join("thumb")).expect("a picture").len(), 4);
        // A part that unpacks to more than there is room for is read in part.
        let bomb = archive(&[types, app(&"<Pages>3</Pages>".repeat(4 << 20))]);
        assert!(bomb.len() < 1 << 20);
        let PaperLine::Looked(found) = looked(folder.path(), "bomb.docx", &bomb) else { panic!("pages") };
        assert_eq!(found.pages, Some(3));
        let open = archive(&[
            ("META-INF/manifest.xml", b"<manifest/>".to_vec()),
            ("meta.xml", b"<meta:document-statistic meta:page-count=\"7\"/>".to_vec()),
        ]);
        let PaperLine::Looked(found) = looked(folder.path(), "a.odt", &open) else { panic!("pages") };
        assert_eq!((found.pages, found.thumbnail), (Some(7), false));
    }

    #[test]
    fn what_is_not_as_its_name_says_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = archive(&[("run.exe", b"MZ".to_vec())]);
        let cases: [(&str, &[u8]); 6] = [
            ("a.pdf", b"MZ a program"),
            ("a.docx", &archive),
            ("a.pptx", b"PK\x03\x04 cut off"),
            ("a.txt", b"\x7fELF\0\0"),
            ("a.png", b"<script>"),
            ("a.doc", b""),
        ];
        for (name, bytes) in cases {
            let refused = looked(folder.path(), name, bytes);
            let kind = name.rsplit('.').next().expect("an ending").to_uppercase();
            assert_eq!(refused, PaperLine::Refused { reason: Reason::NotAsNamed { kind } }, "{name}");
        }
        assert!(
            !is_paper(Path::new("a.exe")) && !is_paper(Path::new("a.html")) && !is_paper(Path::new("pdf"))
        );
        assert!(is_paper(Path::new("a.PDF")));
    }

    #[test]
    fn a_pdf_is_counted_and_drawn_where_poppler_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = |n: usize| format!("{n} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 300]>>endobj\n");
        let pdf = format!(
            "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Count 2/Kids[3 0 R 4 0 R]>>endobj\n\
             {}{}trailer<</Root 1 0 R>>\n%%EOF\n",
            page(3),
            page(4)
        );
        let PaperLine::Looked(found) = looked(folder.path(), "a.pdf", pdf.as_bytes()) else {
            panic!("a PDF")
        };
        assert_eq!((found.pages, found.thumbnail), (Some(2), true), "poppler-utils is installed for tests");
        assert!(std::fs::read(folder.path().join("thumb")).expect("drawn").starts_with(&[0xff, 0xd8, 0xff]));
    }
}
