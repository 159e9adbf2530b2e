//! `chatmill.PackPlan` and `chatmill.PackReport`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use super::arrow::{ArrowInput, Table};
use super::detach::detach;
use super::hooks;
use super::numbers::number;
use super::pack_batch::PyPackBatch;
use super::pack_rows::{PackRequest, PyRowStore};
use crate::batch::BatchList;
use crate::choice::Choice;
use crate::encode::Truncation;
use crate::error::{Error, ErrorKind, Result};
use crate::packing::{PackOptions, PackPadding, PackPlan, PackReport, Remainder, RowLists, Strategy, pack_lengths};

/// A plan of packs: for each pack, which tokens of which rows it has. No token is needed to make it.
///
/// Example:
///     >>> plan = chatmill.PackPlan.of([5, 2, 3, 1], max_length=6)
///     >>> plan.packs()
///     [[(0, 0, 5), (3, 0, 1)], [(2, 0, 3), (1, 0, 2)]]
///     >>> plan.efficiency
///     0.9166666666666666
#[pyclass(frozen, module = "chatmill._chatmill", name = "PackPlan")]
#[derive(Debug)]
pub(super) struct PyPackPlan(Arc<PackPlan>);

/// As `number`, from 1 to 2^32 - 1.
fn positive(option: &str, value: &Bound<'_, PyAny>) -> PyResult<NonZeroU32> {
    let found = number(option, value, 1, u64::from(u32::MAX))?;
    Ok(NonZeroU32::new(found as u32).unwrap_or(NonZeroU32::MIN))
}

#[pymethods]
impl PyPackPlan {
    /// Plan packs for rows of these lengths. The plan depends on the lengths, the options and the seed alone.
    ///
    /// Args:
    ///     lengths: The number of tokens of each row: a list, a numpy array, or an Arrow array of whole numbers.
    ///     max_length: The length of a pack in tokens.
    ///     strategy: How rows are distributed: `"bfd"` and `"bfd_split"` (best fit, longest rows first, as TRL), `"ffd"`
    ///         (first fit, longest first), `"first_fit"` and `"first_fit_shuffle"` (NeMo), `"multipack"` (axolotl),
    ///         `"knapsack"` (LLaMA-Factory), `"sequential"` (rows stay in their order), `"wrapped"` (all tokens in their
    ///         order, cut at `max_length`).
    ///     seed: The seed of the order of packs, and of rows for `"first_fit_shuffle"`. Without it packs are in the order
    ///         in which they were opened, for most strategies from long rows to short ones.
    ///     truncation: What happens to rows that are longer than a pack: `"keep_start"`, `"keep_end"`, `"drop"`,
    ///         `"raise"`, or `"split"`.
    ///     max_rows: The most rows of a pack.
    ///     align: Round the length of each row up to a multiple of this number, as context parallelism requires.
    ///     shifted: Count each row without one token, because inputs and labels are shifted by one, as NeMo counts.
    ///     group_size: Only rows of one group of this many rows share packs: 1000 for TRL and LLaMA-Factory. Default: all
    ///         rows are one group; 100,000 for `"multipack"`.
    ///     multiple_of: Make the number of packs a multiple of this number.
    ///     remainder: How: `"pad"` appends packs without rows, `"drop"` drops the last packs.
    ///
    /// Raises:
    ///     DataError: Options contradict each other, a length is not a whole number from 0 to 2^32 - 1, or a row is too
    ///         long and `truncation` is `"raise"`.
    ///
    /// Example:
    ///     >>> chatmill.PackPlan.of([7, 3, 5], 8, strategy="sequential", align=4).packs()
    ///     [[(0, 0, 7)], [(1, 0, 3)], [(2, 0, 5)]]
    #[staticmethod]
    #[pyo3(signature = (
        lengths, max_length, strategy="bfd", *, seed=None, truncation="keep_start", max_rows=None, align=None,
        shifted=false, group_size=None, multiple_of=None, remainder="pad",
    ))]
    #[pyo3(
        text_signature = "(lengths, max_length, strategy='bfd', *, seed=None, truncation='keep_start', max_rows=None, \
                             align=1, shifted=False, group_size=None, multiple_of=1, remainder='pad')"
    )]
    #[allow(clippy::too_many_arguments, reason = "they are keyword arguments in Python")]
    fn of(
        py: Python<'_>,
        lengths: &Bound<'_, PyAny>,
        max_length: &Bound<'_, PyAny>,
        strategy: &str,
        seed: Option<&Bound<'_, PyAny>>,
        truncation: &str,
        max_rows: Option<&Bound<'_, PyAny>>,
        align: Option<&Bound<'_, PyAny>>,
        shifted: bool,
        group_size: Option<&Bound<'_, PyAny>>,
        multiple_of: Option<&Bound<'_, PyAny>>,
        remainder: &str,
    ) -> PyResult<Self> {
        let choices = || {
            let truncation = Truncation::parse(truncation)?;
            Ok((Strategy::parse(strategy)?, truncation, Remainder::parse(remainder)?))
        };
        let (strategy, truncation, remainder) = detach(py, |_| choices())?;
        let optional = |option, value: Option<&Bound<'_, PyAny>>| value.map(|it| positive(option, it)).transpose();
        let options = PackOptions {
            strategy,
            truncation,
            seed: seed.map(|value| number("seed", value, 0, u64::MAX)).transpose()?,
            max_rows: optional("max_rows", max_rows)?,
            align: optional("align", align)?.unwrap_or(NonZeroU32::MIN),
            shifted,
            group_size: optional("group_size", group_size)?,
            multiple_of: optional("multiple_of", multiple_of)?.unwrap_or(NonZeroU32::MIN),
            remainder,
            ..PackOptions::new(positive("max_length", max_length)?)
        };
        let table = ArrowInput::take(&hooks::lengths_of(lengths)?)?;
        let plan = detach(py, |_| PackPlan::of(numbers(table)?, &options))?;
        Ok(PyPackPlan(Arc::new(plan)))
    }

    /// The packs: for each one its rows as `(row, start, stop)`, in the order of its tokens.
    fn packs(&self) -> Vec<Vec<(u32, u32, u32)>> {
        let slices = |pack: &[crate::packing::Slice]| pack.iter().map(|it| (it.row, it.start, it.stop)).collect();
        self.0.packs().map(slices).collect()
    }

    /// The packs as a table of pyarrow with the columns `pack` (int64), `row` (int64), `start` and `stop` (int32), in the
    /// order of the packs and their tokens. A pack without rows has no line.
    #[getter]
    fn table<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        hooks::table_of(slf.as_any())
    }

    /// The share of the packs that tokens fill.
    #[getter]
    fn efficiency(&self) -> f64 {
        self.0.report().efficiency()
    }

    /// The rows of which tokens are in no pack, in ascending order: they are too long, or their pack was dropped. Rows
    /// that were only cut are not among them.
    #[getter]
    fn dropped(&self) -> Vec<u32> {
        self.0.dropped().to_vec()
    }

    /// The number of tokens of each pack.
    ///
    /// Args:
    ///     pad_to_max_length: Whether packs are filled up to `max_length`.
    #[pyo3(signature = (*, pad_to_max_length=false))]
    fn lengths(&self, py: Python<'_>, pad_to_max_length: bool) -> PyResult<Vec<usize>> {
        let padding = PackPadding { id: None, to_max_length: pad_to_max_length };
        detach(py, |_| Ok(pack_lengths(&self.0, padding).collect()))
    }

    /// Make a place for rows that several threads read, or that do not fit into memory. `PackRows.pack` then reads only the
    /// rows of the packs that it makes.
    ///
    /// Args:
    ///     columns: The columns, such as `input_ids` and `labels`.
    ///     file: The path of a new file for the rows; None to keep them in memory.
    ///
    /// Raises:
    ///     DataError: There is no `input_ids`, or the file cannot be created.
    ///
    /// Example:
    ///     >>> import pyarrow as pa
    ///     >>> rows = pa.table({"input_ids": pa.array([[5, 6], [7]], pa.list_(pa.int32()))})
    ///     >>> store = chatmill.PackPlan.of([2, 1], 4).store(["input_ids"])
    ///     >>> store.append(0, rows)
    ///     >>> pa.table(store.finish().pack()).to_pylist()
    ///     [{'input_ids': [5, 6, 7], 'seq_lengths': [2, 1]}]
    #[pyo3(signature = (columns, file=None))]
    fn store(&self, py: Python<'_>, columns: Vec<String>, file: Option<PathBuf>) -> PyResult<PyRowStore> {
        detach(py, |_| PyRowStore::new(&columns, file, &self.0))
    }

    /// Pack rows: put the lists of the rows of each pack one after the other. The label of the first token of each row
    /// becomes -100, since no token before it belongs to its row.
    ///
    /// Args:
    ///     rows: Arrow data with all rows of the plan, in its order: lists of numbers, such as `input_ids` and `labels`.
    ///         `length` and `row` are left out.
    ///     marks: The columns that tell where the rows of a pack are: `"seq_lengths"` (the length of each row; the default),
    ///         `"position_ids"` (the tokens of each row numbered from 0), `"cu_seqlens"` (0, and where each row ends),
    ///         `"segment_ids"` (for each token the number of its row from 1, and 0 for padding), `"seq_start_id"` (where
    ///         each row starts), `"loss_mask"` (int8: whether the next token of the row is trained).
    ///     start: The first pack.
    ///     stop: The pack after the last one; None for all.
    ///     pad_id: The token id of padding, which is needed for `align`, `pad_to_max_length` and packs without rows.
    ///     pad_to_max_length: Fill each pack up to `max_length`.
    ///
    /// Returns:
    ///     One row for each pack, as an Arrow table.
    ///
    /// Raises:
    ///     DataError: A column holds no lists of numbers, rows have other lengths than in the plan, or there is no
    ///         `pad_id`.
    ///
    /// Example:
    ///     >>> import pyarrow as pa
    ///     >>> rows = pa.table({"input_ids": [[5, 6], [7, 8, 9]], "labels": [[5, 6], [-100, 8, 9]]})
    ///     >>> pa.table(chatmill.PackPlan.of([2, 3], 8).pack(rows)).to_pylist()
    ///     [{'input_ids': [7, 8, 9, 5, 6], 'labels': [-100, 8, 9, -100, 6], 'seq_lengths': [3, 2]}]
    #[pyo3(signature = (rows, marks=None, start=0, stop=None, *, pad_id=None, pad_to_max_length=false))]
    #[allow(clippy::too_many_arguments, reason = "they are keyword arguments in Python")]
    fn pack(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        marks: Option<Vec<String>>,
        start: usize,
        stop: Option<usize>,
        pad_id: Option<&Bound<'_, PyAny>>,
        pad_to_max_length: bool,
    ) -> PyResult<PyPackBatch> {
        let (input, plan) = (ArrowInput::take(rows)?, &self.0);
        let request = PackRequest::of(marks, start, stop, pad_id, pad_to_max_length)?;
        let rows = move || RowLists::new(&input.batches()?.collect::<Result<Vec<_>>>()?, plan);
        detach(py, move |_| request.pack(plan, &rows()?))
    }

    /// The figures of the plan.
    fn report(&self) -> PyPackReport {
        PyPackReport(self.0.report())
    }

    fn __len__(&self) -> usize {
        self.0.num_packs()
    }

    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows a producer to ignore the requested schema.
        let _ = requested_schema;
        let plan = Arc::clone(&self.0);
        detach(py, move |_| table(&plan))?.stream_capsule(py)
    }

    fn __repr__(&self) -> String {
        let report = self.0.report();
        format!(
            "PackPlan({} packs of {} tokens, {:.2}% full)",
            report.packs,
            self.0.options().max_length,
            100.0 * report.efficiency()
        )
    }
}

/// The lengths in a table with one column of uint32.
fn numbers(table: ArrowInput) -> Result<Vec<u32>> {
    let mut lengths = Vec::new();
    for batch in table.batches()? {
        let batch = batch?;
        let column = batch.column(0).as_primitive_opt::<UInt32Type>();
        let column = column.ok_or_else(|| Error::new(ErrorKind::Internal, "the lengths are not uint32"))?;
        lengths.extend_from_slice(column.values());
    }
    Ok(lengths)
}

/// The plan as a table.
fn table(plan: &PackPlan) -> Result<Table> {
    let places = || plan.packs().zip(0_i64..).flat_map(|(pack, number)| pack.iter().map(move |slice| (number, slice)));
    let int32 = |number: u32| {
        let text = "a row has more than 2^31 - 1 tokens, which the table cannot hold; use `packs()`";
        i32::try_from(number).map_err(|_| Error::new(ErrorKind::Batch, text))
    };
    let columns: [(&str, ArrayRef); 4] = [
        ("pack", Arc::new(places().map(|(number, _)| number).collect::<Int64Array>())),
        ("row", Arc::new(places().map(|(_, slice)| i64::from(slice.row)).collect::<Int64Array>())),
        ("start", Arc::new(places().map(|(_, slice)| int32(slice.start).map(Some)).collect::<Result<Int32Array>>()?)),
        ("stop", Arc::new(places().map(|(_, slice)| int32(slice.stop).map(Some)).collect::<Result<Int32Array>>()?)),
    ];
    let batch = RecordBatch::try_from_iter(columns)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the plan is no table: {error}")))?;
    let mut batches = BatchList::default();
    batches.push(batch);
    Ok(Table(batches))
}

/// The figures of a plan. Tokens are those of rows, without padding.
#[pyclass(frozen, module = "chatmill._chatmill", name = "PackReport")]
#[derive(Debug)]
pub(super) struct PyPackReport(PackReport);

macro_rules! figures {
    ($($name:ident: $type:ty = $about:literal),+ $(,)?) => {
        #[pymethods]
        impl PyPackReport {
            $(
                #[doc = $about]
                #[getter]
                fn $name(&self) -> $type {
                    self.0.$name
                }
            )+

            /// `tokens / room`; 1 if there is no pack.
            #[getter]
            fn efficiency(&self) -> f64 {
                self.0.efficiency()
            }

            fn __repr__(&self) -> String {
                let figures = [$(format!(concat!(stringify!($name), "={}"), self.0.$name)),+];
                format!("PackReport({}, efficiency={:.4})", figures.join(", "), self.0.efficiency())
            }
        }
    };
}

figures! {
    rows: u64 = "The number of rows.",
    packs: u64 = "The number of packs.",
    empty_packs: u64 = "The packs without rows, which make the number of packs a multiple.",
    tokens: u64 = "The tokens in packs.",
    room: u64 = "The tokens of as many full packs.",
    pieces: u64 = "The rows, or parts of rows, in packs.",
    most_rows: u64 = "The most of them in one pack.",
    squared_lengths: u128 = "The sum of the squares of their lengths: what attention costs, since it does not cross rows.",
    dropped_rows: u64 = "The rows of `PackPlan.dropped`.",
    dropped_tokens: u64 = "The tokens that were dropped with them.",
    cut_rows: u64 = "The rows that lost tokens at their start or end.",
    cut_tokens: u64 = "The tokens that they lost.",
    empty_rows: u64 = "The rows without tokens, which are in no pack.",
}
