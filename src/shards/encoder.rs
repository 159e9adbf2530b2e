//! `ParquetEncoder`: record batches to the bytes of a Parquet file.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::column::{ColumnEncoder, TokenLists};
use super::compressor::{Compression, Compressor};
use super::unwritten;
use crate::error::{Error, ErrorKind, Result};

/// Makes a Parquet file. Its bytes come piece by piece: a piece for each row group, and the end of the file.
pub struct ParquetEncoder {
    schema: SchemaRef,
    compression: Compression,
    file: SerializedFileWriter<Vec<u8>>,
    factory: ArrowRowGroupWriterFactory,
    tokens: ColumnEncoder,
    row_groups: usize,
}

impl std::fmt::Debug for ParquetEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetEncoder").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl ParquetEncoder {
    /// Whether all columns of `schema` have types that this encoder knows: numbers, booleans, texts, bytes, and lists and
    /// structs of these. pyarrow writes some other types in forms of its own.
    pub fn knows(schema: &Schema) -> bool {
        schema.fields().iter().all(|field| is_known(field.data_type()))
    }

    /// A file with the columns of `schema`. The least and the greatest value are written for the columns `statistics`.
    ///
    /// # Errors
    ///
    /// Fails if the encoder does not [know](Self::knows) a type.
    pub fn new(schema: SchemaRef, compression: Compression, statistics: &[String]) -> Result<ParquetEncoder> {
        if let Some(field) = schema.fields().iter().find(|field| !is_known(field.data_type())) {
            let text = format!("the column {} has the type {}; write it with pyarrow", field.name(), field.data_type());
            return Err(Error::new(ErrorKind::Batch, text));
        }
        let tokens = ColumnEncoder::new(Compressor::new(compression)?);
        let (file, factory) = file_of(&schema, compression, statistics).map_err(unwritten)?;
        Ok(ParquetEncoder { schema, compression, file, factory, tokens, row_groups: 0 })
    }

    /// Adds a row group, and returns the next bytes of the file.
    ///
    /// # Errors
    ///
    /// Fails if a batch has other columns.
    pub fn row_group(&mut self, batches: &[RecordBatch]) -> Result<Vec<u8>> {
        let batches = batches.iter().map(|batch| self.with_schema(batch)).collect::<Result<Vec<_>>>()?;
        if batches.iter().any(|batch| batch.num_rows() > 0) {
            self.add(&batches)?;
        }
        self.take()
    }

    /// Returns the last bytes of the file.
    ///
    /// # Errors
    ///
    /// Fails if the file was finished before.
    pub fn finish(&mut self) -> Result<Vec<u8>> {
        self.file.finish().map_err(unwritten)?;
        self.take()
    }

    fn take(&mut self) -> Result<Vec<u8>> {
        self.file.flush().map_err(unwritten)?;
        Ok(std::mem::take(self.file.inner_mut()))
    }

    /// The same rows with the schema of the file, which may differ in its metadata.
    fn with_schema(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let other = |why: &str| Error::new(ErrorKind::Batch, format!("the columns are not those of the file: {why}"));
        let (found, wanted) = (names_of(&batch.schema()), names_of(&self.schema));
        if found != wanted {
            return Err(other(&format!("they are {found}, and the file has {wanted}")));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), batch.columns().to_vec(), &options)
            .map_err(|error| other(&error.to_string()))
    }

    fn add(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let mut writers = self.factory.create_column_writers(self.row_groups).map_err(unwritten)?.into_iter();
        self.row_groups += 1;
        let columns = self.file.schema_descr().columns().to_vec();
        let mut group = self.file.next_row_group().map_err(unwritten)?;
        let mut leaf = 0;
        for (at, field) in self.schema.fields().iter().enumerate() {
            let arrays: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
            let leaves = leaves_of(field.data_type());
            let mut writers: Vec<_> = writers.by_ref().take(leaves).collect();
            let descr = &columns[leaf];
            leaf += leaves;
            if let Some(lists) = TokenLists::of(&arrays) {
                let (bytes, close) = self.tokens.chunk(&lists, descr, self.compression.codec())?;
                group.append_column(&bytes, close).map_err(unwritten)?;
                continue;
            }
            for array in arrays {
                for (writer, leaf) in writers.iter_mut().zip(compute_leaves(field, array).map_err(unwritten)?) {
                    writer.write(&leaf).map_err(unwritten)?;
                }
            }
            for writer in writers {
                writer.close().and_then(|chunk| chunk.append_to_row_group(&mut group)).map_err(unwritten)?;
            }
        }
        group.close().map(|_| ()).map_err(unwritten)
    }
}

fn file_of(
    schema: &SchemaRef,
    compression: Compression,
    statistics: &[String],
) -> std::result::Result<(SerializedFileWriter<Vec<u8>>, ArrowRowGroupWriterFactory), ParquetError> {
    let metadata = schema.metadata().iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    let mut properties = WriterProperties::builder()
        .set_compression(compression.codec())
        .set_created_by(format!("chatmill version {}", env!("CARGO_PKG_VERSION")))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        // The names of lists are those of the format, which all readers expect.
        .set_coerce_types(true)
        .set_max_row_group_row_count(None)
        .set_key_value_metadata(Some(metadata));
    for name in statistics {
        let path = ColumnPath::new(vec![name.clone()]);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
    }
    let options = ArrowWriterOptions::new().with_properties(properties.build()).with_schema_root("schema".to_owned());
    ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(schema), options)?.into_serialized_writer()
}

fn names_of(schema: &Schema) -> String {
    schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ")
}

fn is_known(data: &DataType) -> bool {
    match data {
        DataType::List(field) | DataType::LargeList(field) => is_known(field.data_type()),
        DataType::Struct(fields) => !fields.is_empty() && fields.iter().all(|field| is_known(field.data_type())),
        DataType::Boolean | DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => true,
        DataType::Float32 | DataType::Float64 => true,
        other => other.is_integer(),
    }
}

/// The number of columns of the file that hold the values of a type.
fn leaves_of(data: &DataType) -> usize {
    match data {
        DataType::List(field) | DataType::LargeList(field) => leaves_of(field.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| leaves_of(field.data_type())).sum(),
        _ => 1,
    }
}
