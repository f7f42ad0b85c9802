{{ config(
    materialized='incremental',
    post_hook=[
        "CREATE INDEX IF NOT EXISTS hotels ON {{ this }} USING HNSW (review)",
        "REFRESH INDEX hotels",
    ],
) }}

SELECT * FROM '{{ var("file") }}' WHERE id <= {{ var("up_to") }}
{% if is_incremental() %} AND id > (SELECT max(id) FROM {{ this }}) {% endif %}
