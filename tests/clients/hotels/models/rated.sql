{{ config(materialized='table') }}

SELECT id, hotel, predict('{{ var("target", "rating") }}', review USING INDEX hotels) AS predicted
FROM {{ ref('reviews') }}
