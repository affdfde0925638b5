//! B-trees over the pages of a [`Pager`](crate::pager::Pager): tables, indexes, freelist, overflow, pointer maps.
