"""The DuckDB shell's way in: a Quack server whose authorization hook knows our language."""
