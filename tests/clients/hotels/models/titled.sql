{{ config(
    materialized='incremental',
    unique_key='id',
    pre_hook="CREATE TABLE IF NOT EXISTS asked (rows BIGINT, evaluated BIGINT)",
    post_hook="INSERT INTO asked SELECT rows, evaluated FROM augur_calls() ORDER BY statement DESC LIMIT 1",
) }}

SELECT id, predict('rating', title USING INDEX hotels) AS predicted
FROM {{ ref('reviews') }}
{% if is_incremental() %} WHERE id > (SELECT max(id) FROM {{ this }}) {% endif %}
