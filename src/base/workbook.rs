//! Tables as people keep them in a spreadsheet: XLSX in and out.
//!
//! What comes in may be anything: it is unpacked within bounds before it is read.

use std::io::{Cursor, Read};

use calamine::{Data, Reader as _};

/// A table: its name and its rows, the headings first. Cells are text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Name of the sheet.
    pub name: String,
    /// Rows from the first of the sheet, so that row `n` is called `n + 1` there.
    pub rows: Vec<Vec<String>>,
}

/// Why there are no tables.
#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    /// The bytes are no workbook.
    #[error("expected an XLSX workbook (Excel 2007 or later, WPS, LibreOffice): {0}")]
    Unreadable(String),
    /// It holds more than a table of people's hands.
    #[error("the workbook is too large: {0}")]
    TooLarge(&'static str),
    /// A table of text in another encoding.
    #[error("expected CSV in UTF-8: save it as \"CSV UTF-8\"")]
    NotUtf8,
    /// It could not be written.
    #[error("the workbook could not be written: {0}")]
    Unwritable(String),
}

/// Most bytes that a workbook may unpack to.
const UNPACKED: u64 = 64 << 20;
/// Most parts inside it.
const PARTS: usize = 1000;
/// Most sheets.
const SHEETS: usize = 20;
/// Most rows and columns of a sheet.
const ROWS: usize = 20_000;
const COLUMNS: usize = 64;
/// Longest text of a cell, characters.
const CELL: usize = 500;

/// The tables of a workbook.
pub fn read(bytes: &[u8]) -> Result<Vec<Table>, WorkbookError> {
    within_bounds(bytes)?;
    let unreadable = |e: calamine::XlsxError| WorkbookError::Unreadable(e.to_string());
    let mut book: calamine::Xlsx<_> =
        calamine::open_workbook_from_rs(Cursor::new(bytes)).map_err(unreadable)?;
    let mut tables = Vec::new();
    let names = book.sheet_names();
    if names.len() > SHEETS {
        return Err(WorkbookError::TooLarge("it has over 20 sheets"));
    }
    for name in names {
        // Cell by cell: a whole range is as large as its two farthest cells lie apart.
        let mut cells = book.worksheet_cells_reader(&name).map_err(unreadable)?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        while let Some(cell) = cells.next_cell().map_err(unreadable)? {
            let (row, column) = cell.get_position();
            let (row, column) = (row as usize, column as usize);
            if row >= ROWS || column >= COLUMNS {
                return Err(WorkbookError::TooLarge("a sheet has over 20,000 rows or 64 columns"));
            }
            let text = said(&Data::from(cell.get_value().clone()));
            if text.is_empty() {
                continue;
            }
            if rows.len() <= row {
                rows.resize_with(row + 1, Vec::new);
            }
            if rows[row].len() <= column {
                rows[row].resize(column + 1, String::new());
            }
            rows[row][column] = text;
        }
        tables.push(Table { name, rows });
    }
    Ok(tables)
}

/// A workbook is an archive, and an archive may be a bomb: it is unpacked once
/// into nothing, and what it says of its sizes is not believed.
fn within_bounds(bytes: &[u8]) -> Result<(), WorkbookError> {
    let unreadable = |e: &dyn std::fmt::Display| WorkbookError::Unreadable(e.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| unreadable(&e))?;
    if archive.len() > PARTS {
        return Err(WorkbookError::TooLarge("it has over 1000 parts"));
    }
    let mut left = UNPACKED;
    for i in 0..archive.len() {
        let part = archive.by_index(i).map_err(|e| unreadable(&e))?;
        let unpacked = std::io::copy(&mut part.take(left + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(|e| unreadable(&e))?;
        left = left.checked_sub(unpacked).ok_or(WorkbookError::TooLarge("it unpacks to over 64 MB"))?;
    }
    Ok(())
}

/// What a person sees in a cell, without what no name holds.
fn said(cell: &Data) -> String {
    let text = match cell {
        // A spreadsheet turns 7 into 7.0.
        Data::DateTime(at) => date_time(at.as_f64()),
        Data::Float(n) if n.fract() == 0.0 && n.abs() < 1e15 => format!("{n:.0}"),
        other => other.to_string(),
    };
    text.trim().chars().filter(|c| !c.is_control()).take(CELL).collect()
}

/// A date, a time or both, as a spreadsheet counts them: days since the end of
/// 1899 (ECMA-376 part 1 §18.17.4).
fn date_time(serial: f64) -> String {
    let seconds = (serial.fract() * 86_400.0).round() as i64;
    let (days, seconds) = (serial.trunc() as i64 + seconds / 86_400, seconds % 86_400);
    let time = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let time = time.strip_suffix(":00").map_or(time.clone(), str::to_owned);
    let epoch = jiff::civil::date(1899, 12, 30);
    match epoch.checked_add(jiff::SignedDuration::from_hours(24 * days.clamp(0, 3_000_000))) {
        Ok(date) if days > 0 && seconds == 0 => date.to_string(),
        Ok(date) if days > 0 => format!("{date} {time}"),
        _ => time,
    }
}

/// A workbook of these tables, from right to left if `rtl`. Every cell is
/// text, so that none is a formula, whatever it begins with.
pub fn write(tables: &[Table], rtl: bool) -> Result<Vec<u8>, WorkbookError> {
    let unwritable = |e: rust_xlsxwriter::XlsxError| WorkbookError::Unwritable(e.to_string());
    let bold = rust_xlsxwriter::Format::new().set_bold();
    let mut book = rust_xlsxwriter::Workbook::new();
    for table in tables {
        let sheet = book.add_worksheet().set_name(&table.name).map_err(unwritable)?;
        sheet.set_right_to_left(rtl);
        sheet.set_freeze_panes(1, 0).map_err(unwritable)?;
        for (y, row) in (0..).zip(&table.rows) {
            for (x, cell) in (0..).zip(row) {
                let done = if y == 0 {
                    sheet.write_string_with_format(y, x, cell, &bold)
                } else {
                    sheet.write_string(y, x, cell)
                };
                done.map_err(unwritable)?;
            }
        }
        sheet.autofit();
    }
    book.save_to_buffer().map_err(unwritable)
}

/// Rows as comma-separated values (RFC 4180), marked as UTF-8 for Excel. What a
/// spreadsheet would take for a formula is marked as text.
pub fn csv(rows: &[Vec<String>]) -> Vec<u8> {
    let formula = |cell: &str| {
        let number = cell.parse::<f64>().is_ok();
        !number && cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
    };
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    for row in rows {
        let cells = row.iter().map(|c| if formula(c) { format!("'{c}") } else { c.clone() });
        // Into memory: nothing can fail.
        let _ = writer.write_record(cells);
    }
    writer.into_inner().unwrap_or_default()
}

/// The table of a CSV file: UTF-8 with or without a mark, commas, semicolons or
/// tabs between cells, as spreadsheets of different countries write it.
pub fn read_csv(name: &str, bytes: &[u8]) -> Result<Table, WorkbookError> {
    let text = std::str::from_utf8(bytes).map_err(|_| WorkbookError::NotUtf8)?;
    let text = text.trim_start_matches('\u{feff}');
    let heading = text.lines().next().unwrap_or_default();
    let most = [b',', b';', b'\t'].into_iter().max_by_key(|d| heading.bytes().filter(|b| b == d).count());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(most.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut rows: Vec<Vec<String>> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| WorkbookError::Unreadable(e.to_string()))?;
        // Row `n` of the table is line `n + 1`, however many lines were empty.
        let line = record.position().map_or(rows.len(), |p| p.line() as usize - 1);
        if line >= ROWS || record.len() > COLUMNS {
            return Err(WorkbookError::TooLarge("it has over 20,000 rows or 64 columns"));
        }
        rows.resize_with(line.max(rows.len()), Vec::new);
        rows.push(record.iter().map(|cell| said(&Data::String(unmarked(cell)))).collect());
    }
    Ok(Table { name: name.to_owned(), rows })
}

/// Without the mark that [`csv`] puts before what looks like a formula.
fn unmarked(cell: &str) -> String {
    let marked = cell.strip_prefix('\'').filter(|rest| rest.starts_with(['=', '+', '-', '@']));
    marked.unwrap_or(cell).to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_written_is_read_again(cells in prop::collection::vec("[ -~村ئۇ]{1,12}", 1..12)) {
            let rows = cells.chunks(3).map(|row| row.iter().map(|c| format!("={c}x")).collect()).collect();
            let table = Table { name: "sites".to_owned(), rows };
            let book = write(std::slice::from_ref(&table), true).expect("written");
            let found = read(&book).expect("read");
            let full: Vec<Vec<String>> = found[0].rows.iter()
                .map(|r| r.iter().filter(|c| !c.is_empty()).cloned().collect()).collect();
            prop_assert_eq!(&full, &table.rows);
        }

        #[test]
        fn csv_is_read_again(
            rows in prop::collection::vec(prop::collection::vec("[ -~村ئۇ=+@;,\"]{1,12}", 2..5), 1..9),
        ) {
            let mut rows: Vec<Vec<String>> = rows.into_iter()
                .map(|row| row.iter().map(|c| format!("x{}x", c)).collect()).collect();
            // The headings tell what stands between cells.
            rows.insert(0, ["a", "b", "c", "d", "e"].map(str::to_owned).into());
            let found = read_csv("t", &csv(&rows)).expect("read");
            prop_assert_eq!(found.rows, rows);
        }

        #[test]
        fn whatever_csv_comes_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_csv("t", &bytes);
        }

        #[test]
        fn whatever_bytes_come_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(matches!(read(&bytes), Err(WorkbookError::Unreadable(_))));
        }
    }

    #[test]
    fn csv_of_other_countries_and_formulas() {
        let semicolons = read_csv("t", "\u{feff}date;time\r\n2026-12-01;19:30\r\n".as_bytes()).expect("read");
        assert_eq!(semicolons.rows[1], ["2026-12-01", "19:30"]);
        let written = csv(&[vec!["=1+1".to_owned(), "-2.5".to_owned(), "-x".to_owned()]]);
        assert_eq!(written, "\u{feff}'=1+1,-2.5,'-x\r\n".as_bytes());
        assert_eq!(read_csv("t", &written).expect("read").rows[0], ["=1+1", "-2.5", "-x"]);
        assert!(matches!(read_csv("t", b"\xb9\xfa"), Err(WorkbookError::NotUtf8)));
    }

    #[test]
    fn dates_and_times_of_a_spreadsheet_are_read_as_people_see_them() {
        assert_eq!(date_time(46357.0), "2026-12-01");
        assert_eq!(date_time(0.8125), "19:30");
        assert_eq!(date_time(46_357.812_673_611), "2026-12-01 19:30:15");
        assert_eq!(date_time(0.999_999_9), "1899-12-31", "the second that rounds up to a day");
    }

    #[test]
    fn two_cells_far_apart_are_refused_before_there_is_room_for_what_lies_between() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write_string(0, 0, "a").expect("written");
        sheet.write_string(1_048_575, 16_383, "z").expect("written");
        let bytes = book.save_to_buffer().expect("a workbook");
        assert!(matches!(read(&bytes), Err(WorkbookError::TooLarge(_))));
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let packed =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file("xl/workbook.xml", packed).expect("begun");
        let zeros = vec![0; 1 << 20];
        for _ in 0..70 {
            archive.write_all(&zeros).expect("written");
        }
        let bytes = archive.finish().expect("closed").into_inner();
        assert!(bytes.len() < 200_000);
        assert!(matches!(read(&bytes), Err(WorkbookError::TooLarge(_))));
    }
}
