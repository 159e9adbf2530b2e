//! `SavedCounts`: the counts and failures of a token batch, as JSON, to pickle it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::batch::BatchCounts;
use crate::encode::{Amounts, Note, NoteCounts};
use crate::error::{Error, ErrorKind, Result};
use crate::statistics::RowStatistics;

#[derive(Serialize, Deserialize)]
struct SavedCounts {
    num_rows_in: usize,
    num_tokens: usize,
    num_trained_tokens: usize,
    num_untrained_rows: usize,
    notes: BTreeMap<String, usize>,
    assistant_turns: usize,
    trained_turns: usize,
    cut_tokens: usize,
    failures: Vec<SavedFailure>,
    statistics: Option<RowStatistics>,
}

#[derive(Serialize, Deserialize)]
struct SavedFailure {
    code: String,
    text: String,
    row: Option<usize>,
    message: Option<usize>,
    template_line: Option<usize>,
}

/// The counts as JSON.
pub(super) fn to_json(counts: &BatchCounts) -> Result<String> {
    let failures = counts.failures.iter().map(|error| SavedFailure {
        code: error.kind.code().to_owned(),
        text: error.text.clone(),
        row: error.row,
        message: error.message,
        template_line: error.template_line,
    });
    let notes = Note::ALL.into_iter().map(|note| (note.code().to_owned(), counts.notes.rows(note)));
    let Amounts { assistant_turns, trained_turns, cut_tokens } = counts.notes.amounts();
    let saved = SavedCounts {
        num_rows_in: counts.num_rows_in,
        num_tokens: counts.num_tokens,
        num_trained_tokens: counts.num_trained_tokens,
        num_untrained_rows: counts.num_untrained_rows,
        notes: notes.collect(),
        assistant_turns,
        trained_turns,
        cut_tokens,
        failures: failures.collect(),
        statistics: counts.statistics.clone(),
    };
    serde_json::to_string(&saved).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
}

/// The counts of a JSON text.
pub(super) fn from_json(json: &str) -> Result<BatchCounts> {
    let saved: SavedCounts = serde_json::from_str(json).map_err(|error| {
        Error::new(ErrorKind::Batch, format!("the pickled batch cannot be read ({error}); make it again"))
    })?;
    let failures = saved.failures.into_iter().map(|failure| {
        let kind = ErrorKind::ALL.iter().find(|kind| kind.code() == failure.code);
        let kind = kind.copied().unwrap_or(ErrorKind::Internal);
        Error {
            row: failure.row,
            message: failure.message,
            template_line: failure.template_line,
            ..Error::new(kind, failure.text)
        }
    });
    let mut notes = NoteCounts::default();
    let SavedCounts { assistant_turns, trained_turns, cut_tokens, .. } = saved;
    notes.add_amounts(Amounts { assistant_turns, trained_turns, cut_tokens });
    for note in Note::ALL {
        notes.add_rows(note, saved.notes.get(note.code()).copied().unwrap_or_default());
    }
    Ok(BatchCounts {
        num_rows_in: saved.num_rows_in,
        num_tokens: saved.num_tokens,
        num_trained_tokens: saved.num_trained_tokens,
        num_untrained_rows: saved.num_untrained_rows,
        failures: failures.collect(),
        notes,
        statistics: saved.statistics,
    })
}
