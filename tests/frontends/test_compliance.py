"""The public test suite of PEP 249, whole, with both kinds of transactions."""

import dbapi20
import pytest

import augursql


class TestCompliance(dbapi20.DatabaseAPI20Test):
    """Its 36 tests; the two that a driver has to write itself are written here."""

    driver = augursql
    connect_kw_args = {"settings": {"progress": "off"}}

    def test_nextset(self) -> None:
        con = self._connect()
        try:
            cursor = con.cursor()
            self.executeDDL1(cursor)
            for statement in self._populate():
                cursor.execute(statement)
            booze = f"{self.table_prefix}booze"
            cursor.execute(f"SELECT count(*) FROM {booze}; SELECT name FROM {booze}")
            assert cursor.fetchone() == (len(self.samples),)
            assert cursor.nextset()
            assert sorted(cursor.fetchall()) == [(name,) for name in self.samples]
            assert cursor.nextset() is None
        finally:
            con.close()

    def test_setoutputsize(self) -> None:
        con = self._connect()
        try:
            cursor = con.cursor()
            cursor.setoutputsize(3, 0)
            cursor.execute("SELECT 'whole and unabridged'")
            assert cursor.fetchone() == ("whole and unabridged",)
        finally:
            con.close()


class TestComplianceWithImplicitTransactions(TestCompliance):
    connect_kw_args = {"settings": {"progress": "off"}, "autocommit": False}


@pytest.mark.parametrize("suite", [TestCompliance, TestComplianceWithImplicitTransactions])
def test_nothing_of_the_suite_is_left_out(suite: type) -> None:
    names = [name for name in dir(suite) if name.startswith("test")]
    assert len(names) == 36
    assert all(callable(getattr(suite, name)) for name in names)
    assert suite.driver is augursql
