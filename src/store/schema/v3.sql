-- Version 3: a checksum in each row, for SQLite's pages have none. Frozen, like every version.
-- CRC-32 of the row's other columns, as src/store/sums.rs puts them in a row; filled in for rows that are there already.

ALTER TABLE domain ADD COLUMN sum INTEGER;
ALTER TABLE account ADD COLUMN sum INTEGER;          -- without what the triggers count, and without the version
ALTER TABLE account ADD COLUMN presence_sum INTEGER; -- of the version and all that is published
ALTER TABLE credentials ADD COLUMN sum INTEGER;
ALTER TABLE acl ADD COLUMN sum INTEGER;
ALTER TABLE message ADD COLUMN sum INTEGER;
ALTER TABLE subscription ADD COLUMN sum INTEGER;
